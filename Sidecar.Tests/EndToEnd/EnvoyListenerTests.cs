using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>gRPC clients that are not ours ask the daemon as Envoy does, both services, over a Unix socket and over TCP.</summary>
[Category("EndToEnd")]
[TestFixture(GrpcPeer.Python)]
[TestFixture(GrpcPeer.Node)]
internal sealed class EnvoyListenerTests(GrpcPeer peer)
{
    private const string Secret = "c2lkZWNhci1vZi1hLXRlc3Q=";

    private TempDirectory _directory = null!;
    private LambdaAgent _recorder = null!;
    private ChildProcess _agent = null!;
    private ChildProcess _daemon = null!;
    private string _tcp = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _directory = new TempDirectory();
        var secret = _directory.File("secret");
        await File.WriteAllTextAsync(secret, Secret);
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _recorder = new LambdaAgent("recorder") { Supports = EventSet.RequestHeaders, MaxConcurrency = 2000 };
        await _recorder.StartAsync(_directory.Socket("recorder"));
        _agent = await SidecarCommand.StartAgentAsync(_directory.Socket("agent"), Stack.AgentFlags);
        _daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={_directory.Socket("agent")},timeout=20s,max-body=none,queue=2000,queue-wait=20s",
            "--agent", $"recorder={_directory.Socket("recorder")},timeout=20s,events=request-headers,queue=2000,queue-wait=20s",
            "--listen", $"envoy={_directory.Socket("envoy")},budget=25s",
            "--listen", $"envoy={_directory.Socket("wide")},budget=25s,max-message=16MiB",
            "--listen", $"envoy=127.0.0.1:0,budget=25s,secret-file={secret}",
            "--listen", $"admin={_directory.Socket("admin")}");
        await _daemon.WaitForAsync("agent demo is reachable");
        await _daemon.WaitForAsync("agent recorder is reachable");
        _tcp = new Uri(_daemon.Output.Split(" listens at ")[1].Split('\n')[0]).Authority;
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _daemon.DisposeAsync();
        await _agent.DisposeAsync();
        await _recorder.DisposeAsync();
        _directory.Dispose();
    }

    [TestCase("authz", "0 -, 7 418, 7 302, 16 401")]
    [TestCase("authz_large", "0 -")]
    [TestCase("authz_too_large", "7 413")]
    [TestCase("health", "1")]
    [TestCase("other", "UNIMPLEMENTED 'there is no method /envoy.service.auth.v3.Authorization/Other here'")]
    [TestCase("allow", "[1] OK")]
    [TestCase("block", "418 0 OK")]
    [TestCase("wrong_order", "503 0 OK")]
    [TestCase("large", "1 3 0 OK")]
    [TestCase("cancel", "CANCELLED")]
    [TestCase("many", "1000 right, 1000 OK")]
    public async Task Client_SeesWhatWasMeant(string scenario, string expected) =>
        Assert.That(await PlayAsync("envoy", scenario), Is.EqualTo(expected));

    [TestCase("deadline", "DEADLINE_EXCEEDED")]
    public async Task Client_SeesTheStatus(string scenario, string expected) =>
        Assert.That(await PlayAsync("envoy", scenario), Does.StartWith(expected));

    [Test]
    public async Task LargerMessages_PassWhereTheListenerTakesThem() =>
        Assert.That(await PlayAsync("wide", "authz_too_large"), Is.EqualTo("0 -"));

    [Test]
    public async Task OrderOfHeaders_ReachesTheAgent()
    {
        Assert.That(await PlayAsync("envoy", "order"), Is.EqualTo("OK"));

        await Eventually.TrueAsync(() => Ordered() is not null, TimeSpan.FromSeconds(30), "the event at the agent");
        var headers = Ordered()!.Headers;
        var lines = Enumerable.Range(0, headers.Count).Select(i => Events.Text(headers.Name(i).ToArray()) + Events.Text(headers.Value(i).ToArray()));
        Assert.That(
            lines.Take(6), Is.EqualTo(new[] { "zeta0", "alpha1", "x-twice2", "x-twice4", "mid3", "beta5" }), "the agent protocol has one entry for each name");
    }

    [TestCase("authz", "0 -, 7 418, 7 302, 16 401")]
    [TestCase("health", "1")]
    [TestCase("allow", "[1] OK")]
    public async Task Tcp_AnswersWhoKnowsTheSecret(string scenario, string expected)
    {
        Assert.That(await PeerScript.PlayAsync(peer, "envoy_client", _tcp, scenario, Secret), Is.EqualTo(expected));
        Assert.That(
            await PeerScript.PlayAsync(peer, "envoy_client", _tcp, scenario),
            Does.StartWith("UNAUTHENTICATED"),
            "without the secret, in words that a gRPC client understands");
    }

    [Test]
    public async Task ClientThatDies_LeavesNothingOpen()
    {
        Assert.That(await PlayAsync("envoy", "die"), Is.EqualTo("dying"));

        await Eventually.TrueAsync(
            async () => await AdminMetrics.SumAsync(_directory.Socket("admin"), "sidecar_exchanges_open") == 0, TimeSpan.FromSeconds(30),
            "the end of the dead client's exchanges");
        Assert.That(await PlayAsync("envoy", "allow"), Is.EqualTo("[1] OK"));
    }

    private RequestHeadersEvent? Ordered() => _recorder.Seen.OfType<RequestHeadersEvent>().LastOrDefault(static told => told.Uri == "/order");

    private Task<string> PlayAsync(string socket, string scenario) => PeerScript.PlayAsync(peer, "envoy_client", _directory.Socket(socket), scenario);
}
