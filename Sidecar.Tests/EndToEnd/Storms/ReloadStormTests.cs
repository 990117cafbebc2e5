using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Storms;

/// <summary>Good and bad files in turn, under load through a real proxy: nobody notices, and nothing grows.</summary>
[Category("EndToEnd")]
internal sealed class ReloadStormTests
{
    private const int MostMoreDescriptors = 16;
    private const long MostMoreMemory = 32 * 1024 * 1024;
    private const string Bad = "version: 1\nlisteners:\n  admin: {for: admin, sokcet: /x}\nroutes: what\n";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    // At first the runtime compiles what it meets.
    private const int WarmUp = 12;

    // With SIDECAR_TEST_SCALE=5 the 200 that are promised.
    private static readonly int Rounds = 40 * Math.Max(
        1, int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", CultureInfo.InvariantCulture));

    [Test]
    public async Task ReloadsUnderLoad_AreNoticedByNobody([Values(ProxySetup.NginxAuthRequest, ProxySetup.Haproxy, ProxySetup.Caddy)] ProxySetup setup)
    {
        using var files = new TempDirectory();
        var file = files.File("sidecar.yaml");
        await using var origin = await OriginServer.StartAsync();
        await using var agent = await SidecarCommand.StartAgentAsync(files.Socket("agent"), Stack.AgentFlags);
        await File.WriteAllTextAsync(file, Good(files, 0));
        await using var daemon = await SidecarCommand.StartDaemonAsync("-c", file, "--listen", setup.Listener(files));
        await daemon.WaitForAsync("agent demo is reachable");
        using var admin = UnixHttp.Client(files.Socket("admin"));
        var (proxy, port) = await setup.StartAsync(files, origin.Port, failsOpen: false);
        await using (proxy)
        {
            await using var load = new StormLoad(port, withBodies: false);
            await StormLoad.GrowsAsync(() => load.Sent, 200, "requests");
            await Eventually.TrueAsync(async () => (await ConnectionsAsync(admin)).Length == 4, Limit, "all connections");
            var connections = await ConnectionsAsync(admin);
            (long Memory, int Descriptors) early = default;
            for (var round = 1; round <= WarmUp + Rounds; round++)
            {
                await ReloadAsync(daemon, admin, files, file, round);
                if (round == WarmUp)
                {
                    await DrainedAsync(admin);
                    early = (daemon.MemoryOf("VmRSS"), DescriptorsOf(daemon));
                }
            }

            await DrainedAsync(admin);
            var late = (Memory: daemon.MemoryOf("VmRSS"), Descriptors: DescriptorsOf(daemon));
            await load.EndAsync(load.Sent + 200);
            await TestContext.Out.WriteLineAsync(
                $"{setup}: {load.Sent} requests, {load.Blocked} blocked, {Rounds + WarmUp} rounds; memory {early.Memory >> 20} to {late.Memory >> 20} MiB, "
                + $"descriptors {early.Descriptors} to {late.Descriptors}");
            using (Assert.EnterMultipleScope())
            {
                Assert.That(load.Refused, Is.Zero);
                Assert.That(await ConnectionsAsync(admin), Is.EqualTo(connections), "an agent that stays as it is keeps its connections");
                Assert.That(late.Memory - early.Memory, Is.LessThan(MostMoreMemory));
                Assert.That(late.Descriptors - early.Descriptors, Is.LessThanOrEqualTo(MostMoreDescriptors));
                foreach (var state in new[] { "bypassed", "refused", "partly" })
                {
                    Assert.That(await AdminMetrics.SumAsync(files.Socket("admin"), "sidecar_exchanges_total", $"state=\"{state}\""), Is.Zero, state);
                }
            }
        }

        Assert.That(await daemon.StopAsync(), Is.Zero);
    }

    [TestCase(ProxySetup.NginxAuthRequest, "nginx")]
    [TestCase(ProxySetup.Caddy, "caddy")]
    public async Task TheProxysOwnListener_ChangesUnderLoad_AndNoQuestionIsLost(ProxySetup setup, string proxyWord)
    {
        const int Changes = 20;
        using var files = new TempDirectory();
        var file = files.File("sidecar.yaml");
        string Web(int round) => $"  web: {{for: {proxyWord}, socket: {files.Socket("http")}, budget: {50_000 + round}ms}}\n";
        string Own(int round) => Good(files, 0).Replace("agents:", Web(round) + "agents:", StringComparison.Ordinal);
        await using var origin = await OriginServer.StartAsync();
        await using var agent = await SidecarCommand.StartAgentAsync(files.Socket("agent"), Stack.AgentFlags);
        await File.WriteAllTextAsync(file, Own(0));
        await using var daemon = await SidecarCommand.StartDaemonAsync("-c", file);
        await daemon.WaitForAsync("agent demo is reachable");
        using var admin = UnixHttp.Client(files.Socket("admin"));
        var (proxy, port) = await setup.StartAsync(files, origin.Port, failsOpen: false);
        await using (proxy)
        {
            await using var load = new StormLoad(port, withBodies: false);
            for (var round = 1; round <= Changes; round++)
            {
                await StormLoad.GrowsAsync(() => load.Sent, 20, "requests");
                await File.WriteAllTextAsync(file, Own(round));
                using var answer = await admin.PostAsync(new Uri("http://sidecar/v1/reload"), new StringContent("", Encoding.UTF8, "application/json"));
                var changed = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync()).GetProperty("listeners").GetProperty("changed");
                Assert.That(changed.EnumerateArray().Select(static one => one.GetString()), Is.EqualTo(new[] { "web" }));
            }

            await load.EndAsync(load.Sent + 200);
            Assert.That(load.Refused, Is.Zero);
            Assert.That(await AdminMetrics.SumAsync(files.Socket("admin"), "sidecar_exchanges_total", "state=\"bypassed\""), Is.Zero);
        }

        Assert.That(await daemon.StopAsync(), Is.Zero);
    }

    // One of four ways in turn: by order, one that is refused, a storm of signals, and one that changes nothing.
    private static async Task ReloadAsync(ChildProcess daemon, HttpClient admin, TempDirectory files, string file, int round)
    {
        await File.WriteAllTextAsync(file, round % 4 == 1 ? Bad : Good(files, round % 4 == 3 ? round - 1 : round));
        if (round % 4 == 2)
        {
            await using var kills = ChildProcess.Start("/bin/bash", "-c", $"for i in {{1..30}}; do kill -HUP {daemon.Id}; done");
            Assert.That(await kills.WaitForExitAsync(), Is.Zero);
            await Eventually.TrueAsync(() => CountsAsync(admin, round), Limit, $"the file of round {round} to count");
            return;
        }

        using var answer = await admin.PostAsync(new Uri("http://sidecar/v1/reload"), new StringContent("", Encoding.UTF8, "application/json"));
        var text = await answer.Content.ReadAsStringAsync();
        var outcome = JsonSerializer.Deserialize<JsonElement>(text).GetProperty("outcome").GetString();
        switch (round % 4)
        {
            case 0:
                // The last signal of a storm may come so late that it has done it.
                Assert.That((answer.StatusCode, await CountsAsync(admin, round)), Is.EqualTo((HttpStatusCode.OK, true)), () => $"round {round}: {text}");
                break;
            case 1:
                Assert.That((answer.StatusCode, outcome), Is.EqualTo((HttpStatusCode.Conflict, "refused")), () => $"round {round}: {text}");
                break;
            default:
                Assert.That((answer.StatusCode, outcome), Is.EqualTo((HttpStatusCode.OK, "unchanged")), () => $"round {round}: {text}");
                break;
        }
    }

    private static async Task<bool> CountsAsync(HttpClient admin, int round) => (await StatusAsync(admin)).GetProperty("listeners").EnumerateArray()
        .Any(listener => listener.GetProperty("name").GetString() == $"extra{round}");

    // Agent demo stays as it is; another, a listener, routes and limits come, change and go.
    private static string Good(TempDirectory files, int round) => $$"""
        version: 1
        listeners:
          admin: {for: admin, socket: {{files.Socket("admin")}}}
          extra{{round}}: {for: native, socket: {{files.Socket($"extra{round % 8}")}}}
          changing: {for: native, socket: {{files.Socket("changing")}}, budget: {{1000 + round}}ms}
        agents:
          demo: {at: "unix:{{files.Socket("agent")}}"}
          bot{{round % 8}}: {at: "unix:{{files.Socket("agent")}}", mode: monitor}
        routes:
        - {name: extra{{round}}, match: {path_prefix: /extra{{round}}/}, inspect: none}
        - {name: all, match: any, inspect: [demo]}
        limits: {exchanges: {{40000 + round}}}
        """;

    private static async Task<JsonElement> StatusAsync(HttpClient admin) =>
        JsonSerializer.Deserialize<JsonElement>(await admin.GetStringAsync(new Uri("http://sidecar/status")));

    private static async Task<string[]> ConnectionsAsync(HttpClient admin)
    {
        var demo = (await StatusAsync(admin)).GetProperty("agents").EnumerateArray().Single(static agent => agent.GetProperty("id").GetString() == "demo");
        var live = demo.GetProperty("versions").EnumerateArray().SelectMany(static version => version.GetProperty("connections").EnumerateArray());
        return [.. live.Select(static one => one.GetProperty("id").GetString()!).Order(StringComparer.Ordinal)];
    }

    private static Task DrainedAsync(HttpClient admin) => Eventually.TrueAsync(
        async () => !(await StatusAsync(admin)).GetProperty("configuration").GetProperty("is_draining").GetBoolean(), Limit, "the end of what drains");

    private static int DescriptorsOf(ChildProcess daemon) => Directory.GetFileSystemEntries($"/proc/{daemon.Id}/fd").Length;
}
