using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The daemon with agents that are built on gRPC libraries that are not ours, as processes of their own.</summary>
[Category("EndToEnd")]
[TestFixture(GrpcPeer.Python)]
[TestFixture(GrpcPeer.Node)]
internal sealed class GrpcAgentTests(GrpcPeer peer)
{
    private const int Crowd = 1000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private TempDirectory _directory = null!;
    private ChildProcess _agent = null!;
    private ChildProcess _daemon = null!;
    private NativeClient _client = null!;
    private string _port = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _directory = new TempDirectory();
        _port = "0";
        await File.WriteAllBytesAsync(_directory.File("agent.bin"), Wire.AgentV2Reflection.Descriptor.SerializedData.ToByteArray());
        _agent = await StartAgentAsync();
        _port = _agent.Output.Split("listening on port ")[1].Split(';')[0];
        _daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"peer=http://127.0.0.1:{_port},timeout=20s,body-timeout=20s,connections=1,calls-per-connection={Crowd},max-in-flight={Crowd},"
                + "reconnect-min=10ms,reconnect-max=50ms,body-mode=stream,max-body=none",
            "--listen", $"native={_directory.Socket("native")},budget=25s");
        await _daemon.WaitForAsync("agent peer is reachable");
        _client = await NativeClient.ConnectAsync(_directory.Socket("native"));
    }

    [TearDown]
    public async Task StopAsync()
    {
        // What did not start is not there.
        await (_client?.DisposeAsync() ?? default);
        await (_daemon?.DisposeAsync() ?? default);
        await (_agent?.DisposeAsync() ?? default);
        _directory.Dispose();
    }

    [Test]
    public async Task Agent_DecidesDiesAndComesBack()
    {
        var allowed = await _client.AskAsync(TestEvents.Headers(1, "/cart"));
        var blocked = await _client.AskAsync(TestEvents.Headers(2, "/attack"));
        Assert.That(allowed.RequestHeaders, Is.EqualTo(new[] { HeaderOperation.Set("x-seen", "shop.example.com") }));
        Assert.That(blocked.Decision, Is.InstanceOf<BlockDecision>().With.Property("Status").EqualTo(403));

        var lost = await _client.AskAsync(TestEvents.Headers(3, "/die"));
        Assert.That(lost.Decision, Is.InstanceOf<BlockDecision>(), "the agent died over it: failed closed");
        await _agent.WaitForExitAsync();
        await using var second = await StartAgentAsync();
        await EventuallyAllowedAsync(4);
    }

    [Test]
    public async Task ThousandCalls_AreUnderWayOnOneStream()
    {
        var calls = Enumerable.Range(1, Crowd).Select(i => _client.AskAsync(TestEvents.Headers(i, "/crowd"))).ToList();
        var answers = await Task.WhenAll(calls);

        Assert.That(answers.Count(static answer => answer.Decision is AllowDecision), Is.EqualTo(Crowd));
    }

    [Test]
    public async Task BodyAboveWhatServersTakeAtOnce_ComesInPieces()
    {
        const int Size = 9 * 1024 * 1024;
        await _client.AskAsync(TestEvents.Headers(1, "/upload"));

        var answer = await _client.AskAsync(TestEvents.Chunk(1, size: Size, isLast: true));

        Assert.That(
            answer.Decision,
            Is.InstanceOf<BlockDecision>().With.Property("Body").EqualTo($"{Size} bytes in 3 pieces"),
            "4 MiB is what gRPC servers take; pieces have 3,500 KiB");
    }

    [Test]
    public async Task CallThatIsGivenUp_IsCancelledThere()
    {
        var lost = _client.CallAsync(TestEvents.Headers(1, "/forget"));
        await _agent.WaitForAsync("forgotten;");

        _client.Connection.Cancel(TestEvents.Id(1), CancelReason.ClientDisconnect);

        await _agent.WaitForAsync("cancelled, reason 1;");
        Assert.That((await lost).IsAnswered, Is.False);
    }

    [Test]
    public async Task DaemonThatStops_EndsTheStream()
    {
        Assert.That((await _client.AskAsync(TestEvents.Headers(1, "/cart"))).Decision, Is.InstanceOf<AllowDecision>());
        await _client.DisposeAsync();

        Assert.That(await _daemon.StopAsync(), Is.Zero);

        await _agent.WaitForAsync("the stream is over;");
    }

    [Test]
    public async Task DaemonThatIsKilled_IsNoticed()
    {
        Assert.That((await _client.AskAsync(TestEvents.Headers(1, "/cart"))).Decision, Is.InstanceOf<AllowDecision>());

        await _daemon.KillAsync();

        await _agent.WaitForAsync("the stream is over;");
    }

    [Test]
    public async Task StatusOfTheAgent_IsInTheLogAndTheNextStreamWorks()
    {
        var refused = await _client.AskAsync(TestEvents.Headers(1, "/refuse"));

        Assert.That(refused.Decision, Is.InstanceOf<BlockDecision>(), "the stream ended over it: failed closed");
        await _daemon.WaitForAsync("PermissionDenied: not any more");
        await EventuallyAllowedAsync(2);
    }

    private async Task<ChildProcess> StartAgentAsync()
    {
        var agent = PeerScript.Start(peer, "grpc_agent", _port, _directory.File("agent.bin"));
        await agent.WaitForAsync("listening on port");
        return agent;
    }

    private Task EventuallyAllowedAsync(int first)
    {
        var number = first;
        return Eventually.TrueAsync(
            async () => (await _client.AskAsync(TestEvents.Headers(number++, "/cart"))).Decision is AllowDecision, Limit, "the daemon to find the agent again");
    }
}
