using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A gRPC client that is not ours asks the daemon as Envoy does, both services, over a Unix socket.</summary>
[Category("EndToEnd")]
internal sealed class EnvoyListenerTests
{
    private TempDirectory _directory = null!;
    private ChildProcess _agent = null!;
    private ChildProcess _daemon = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _directory = new TempDirectory();
        _agent = await SidecarCommand.StartAgentAsync(_directory.Socket("agent"), Stack.AgentFlags);
        _daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={_directory.Socket("agent")},timeout=20s,max-body=none",
            "--listen", $"envoy={_directory.Socket("envoy")},budget=25s",
            "--listen", $"admin={_directory.Socket("admin")}");
        await _daemon.WaitForAsync("agent demo is reachable");
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _daemon.DisposeAsync();
        await _agent.DisposeAsync();
        _directory.Dispose();
    }

    [TestCase("authz", "0 -, 7 418, 7 302, 16 401")]
    [TestCase("authz_large", "0 -")]
    [TestCase("authz_too_large", "7 413")]
    [TestCase("health", "1")]
    [TestCase("other", "UNIMPLEMENTED 'there is no method /envoy.service.auth.v3.Authorization/Other here'")]
    [TestCase("allow", "[1] OK")]
    [TestCase("block", "418 0 OK")]
    [TestCase("large", "1 3 0 OK")]
    [TestCase("cancel", "CANCELLED")]
    [TestCase("many", "250 right, 250 OK")]
    public async Task Client_SeesWhatWasMeant(string scenario, string expected) =>
        Assert.That(await PlayAsync(scenario), Is.EqualTo($"result: {expected}"));

    [TestCase("wrong_order", "result: INVALID_ARGUMENT")]
    [TestCase("deadline", "result: DEADLINE_EXCEEDED")]
    public async Task Client_SeesTheStatus(string scenario, string expected) =>
        Assert.That(await PlayAsync(scenario), Does.StartWith(expected));

    [Test]
    public async Task ClientThatDies_LeavesNothingOpen()
    {
        Assert.That(await PlayAsync("die"), Is.EqualTo("result: dying"));

        await Eventually.TrueAsync(
            async () => await AdminMetrics.SumAsync(_directory.Socket("admin"), "sidecar_exchanges_open") == 0, TimeSpan.FromSeconds(30), "the end of the dead client's exchanges");
        Assert.That(await PlayAsync("allow"), Is.EqualTo("result: [1] OK"));
    }

    private async Task<string> PlayAsync(string scenario)
    {
        await using var client = PythonScript.Start("envoy_client.py", _directory.Socket("envoy"), scenario);
        await client.WaitForExitAsync();
        return client.Output.Split('\n').LastOrDefault(static line => line.StartsWith("result:", StringComparison.Ordinal)) ?? client.Output;
    }
}
