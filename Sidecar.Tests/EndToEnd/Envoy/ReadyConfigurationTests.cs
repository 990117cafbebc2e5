using NUnit.Framework;
using Sidecar.Tests.EndToEnd.Attacks;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>Each ready configuration of scripts/envoy in a real Envoy: it is loaded without a warning, and what it is for works.</summary>
[Category("EndToEnd")]
internal sealed class ReadyConfigurationTests
{
    [TestCase("envoy-ext-authz.yaml", "envoy=SOCKET")]
    [TestCase("envoy-ext-proc.yaml", "envoy=SOCKET")]
    [TestCase("envoy-ext-proc-responses.yaml", "envoy=SOCKET")]
    [TestCase("envoy-http-authz.yaml", "http=SOCKET,proxy=envoy-http,request-body=yes,set-headers=x-user,response-headers=x-frame-options")]
    public async Task Envoy_LoadsItWithoutAWarning_AndAgentsDecide(string file, string listener)
    {
        await RealEnvoy.RequireAsync();
        using var files = new TempDirectory();
        await using var agent = await SidecarCommand.StartAgentAsync(files.Socket("agent"), Stack.AgentFlags);
        await using var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={files.Socket("agent")}",
            "--listen", listener.Replace("SOCKET", files.Socket("envoy"), StringComparison.Ordinal));
        await daemon.WaitForAsync("agent demo is reachable");
        await using var origin = new AttackOrigin();
        await using var envoy = await RealEnvoy.StartAsync(files.Socket("envoy"), origin.Port, file);

        var passed = await RawHttp.SendAsync(envoy.Port, "GET /hello?a=b HTTP/1.1", "X-User: mallory", "X-Sidecar-Bypassed: forged");
        var blocked = await RawHttp.SendAsync(envoy.Port, "GET /teapot HTTP/1.1");

        var got = origin.Received.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                (passed.Status, passed.Header("x-frame-options"), blocked.Status),
                Is.EqualTo((200, file == "envoy-ext-proc.yaml" ? "" : "DENY", 418)),
                "responses pass by the one that asks about requests");
            Assert.That((got.Target, string.Join(',', got.Values("x-user"))), Is.EqualTo(("/hello?a=b", "alice")));
            Assert.That(got.Values("x-sidecar-bypassed"), Has.None.EqualTo("forged"));
            Assert.That(envoy.Warnings, Is.Empty);
            Assert.That(await envoy.StatAsync("http.shop.downstream_rq_2xx"), Is.EqualTo(1));
        }
    }
}
