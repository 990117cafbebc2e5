using System.Net;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The daemon as a process with a listener on loopback TCP, asked as Traefik does.</summary>
[Category("EndToEnd")]
internal sealed class TraefikListenerTests
{
    private const string Secret = "K7cX0mQyT1uVb2Nw";

    [TestCase("127.0.0.1")]
    [TestCase("[::1]")]
    public async Task Listener_TellsItsPortAndAnswersWhoKnowsTheSecret(string host)
    {
        using var directory = new TempDirectory();
        Write(directory.File("secret"), UnixFileMode.UserRead);
        await using var agent = await SidecarCommand.StartAgentAsync(directory.Socket("agent"), Stack.AgentFlags);
        await using var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={directory.Socket("agent")},timeout=20s",
            "--listen", $"http={host}:0,proxy=traefik,budget=25s,secret-file={directory.File("secret")}",
            "--listen", $"admin={directory.Socket("admin")}");
        await daemon.WaitForAsync("agent demo is reachable");
        var address = daemon.Output.Split(" listens at ")[1].Split('\n')[0];
        using var client = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromSeconds(60) };

        var stranger = await AskAsync(client, "/hello", secret: null);
        var allowed = await AskAsync(client, "/hello", Secret);
        var blocked = await AskAsync(client, "/teapot", Secret);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(stranger, Is.EqualTo(HttpStatusCode.Forbidden));
            Assert.That(allowed, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((int)blocked, Is.EqualTo(418));
            Assert.That(
                await AdminMetrics.SumAsync(directory.Socket("admin"), "sidecar_exchanges_total", $"listener=\"http:{host}:0\"", "cause=\"unauthorized\""),
                Is.EqualTo(1));
            Assert.That(daemon.Output, Does.Not.Contain(Secret));
        }
    }

    [Test]
    public async Task SecretThatOthersCanRead_IsRefusedInOneLine()
    {
        using var directory = new TempDirectory();
        Write(directory.File("secret"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        await using var daemon = SidecarCommand.Start(
            "run", "--agent", $"demo={directory.Socket("agent")}", "--listen", $"http=127.0.0.1:0,proxy=traefik,secret-file={directory.File("secret")}");

        Assert.That(await daemon.WaitForExitAsync(), Is.EqualTo(1));
        Assert.That(daemon.Output, Does.Match("^sidecar: the secret file [^\n]+$"));
    }

    [Test]
    public async Task AddressBeyondLoopback_IsWrongUse()
    {
        await using var daemon = SidecarCommand.Start(
            "run", "--agent", "demo=/run/demo.sock", "--listen", "http=0.0.0.0:9000,proxy=traefik,secret-file=/run/secret");

        Assert.That(await daemon.WaitForExitAsync(), Is.EqualTo(2));
        Assert.That(daemon.Output, Does.StartWith("sidecar: --listen").And.Contain("is no loopback address"));
    }

    private static void Write(string path, UnixFileMode mode)
    {
        File.WriteAllText(path, Secret);
        File.SetUnixFileMode(path, mode);
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient client, string uri, string? secret)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/forward-auth");
        request.Headers.Add("X-Forwarded-Method", "GET");
        request.Headers.Add("X-Forwarded-Uri", uri);
        request.Headers.Add("X-Forwarded-Host", "shop.example");
        request.Headers.Add("X-Forwarded-For", "192.0.2.7");
        if (secret is not null)
        {
            request.Headers.Add("X-Sidecar-Secret", secret);
        }

        using var answer = await client.SendAsync(request);
        return answer.StatusCode;
    }
}
