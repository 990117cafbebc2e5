using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AgentServerStopTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _time = new();
    private readonly TaskCompletionSource<AgentResponse> _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private string SocketPath => _directory.Socket("agent.sock");

    [TearDown]
    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task EventsInWork_FinishAndTheirAnswersArrive()
    {
        var handler = new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(_release.Task));
        var (server, peer) = await ConnectedAsync(handler);
        await peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await CancelTests.StartedAsync(handler, 1);
        var stopping = server.StopAsync();
        var again = server.StopAsync();
        await AssertDrainingAsync(peer);
        Assert.That((stopping.IsCompleted, again.IsCompleted), Is.EqualTo((false, false)), "each call waits for the end");

        _release.SetResult(Answer.Block(410));
        Assert.That(((BlockDecision)(await peer.ReadAnswerAsync()).Response.Decision).Status, Is.EqualTo(410));
        await peer.AssertClosedAsync();
        await Task.WhenAll(stopping, again, server.DisposeAsync().AsTask(), server.StopAsync()).WaitAsync(Wire.Limit);
        Assert.That(server.Connections, Is.Empty);
        peer.Dispose();
    }

    [Test]
    public async Task EventsInWorkAfterTheDrainTime_AreAnsweredAsCancelled()
    {
        var handler = new ScriptedHandler(CancelTests.WaitAsync);
        var (server, peer) = await ConnectedAsync(handler);
        await peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await CancelTests.StartedAsync(handler, 1);
        var stopping = server.StopAsync();
        await AssertDrainingAsync(peer);
        await Eventually.TrueAsync(() => _time.ArmedTimers == 1, Wire.Limit, "the drain timeout to be armed");
        _time.Advance(TimeSpan.FromSeconds(10));

        CancelTests.AssertFailure(await peer.ReadAnswerAsync(), SampleEvents.A, ReasonCodes.Cancelled);
        await peer.AssertClosedAsync();
        await stopping.WaitAsync(Wire.Limit);
        peer.Dispose();
    }

    [Test]
    public async Task HandlerThatNeverEnds_IsLeftBehindAfterTheDrainTimeOnce()
    {
        var handler = new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(_release.Task));
        var (server, peer) = await ConnectedAsync(handler);
        await peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await CancelTests.StartedAsync(handler, 1);
        var stopping = server.StopAsync();
        await AssertDrainingAsync(peer);
        var reading = peer.AssertClosedAsync();
        while (!stopping.IsCompleted)
        {
            await Eventually.TrueAsync(() => _time.ArmedTimers > 0 || stopping.IsCompleted, Wire.Limit, "a deadline or the end");
            _time.Advance(TimeSpan.FromMilliseconds(500));
        }

        await stopping;
        await reading;
        Assert.That(_time.GetUtcNow() - new FakeTimeProvider().GetUtcNow(), Is.InRange(TimeSpan.FromSeconds(11), TimeSpan.FromSeconds(17)));
        peer.Dispose();
        _release.SetResult(AgentResponse.Allow);
    }

    [Test]
    public async Task ConnectionsOpenedWhileItStops_AreAllClosed()
    {
        for (var round = 0; round < 10; round++)
        {
            var server = Server(new AllowingHandler());
            await server.StartAsync();
            var peers = Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () =>
            {
                try
                {
                    using var peer = await AgentPeer.ConnectAsync(SocketPath);
                    await peer.AssertClosedAsync();
                }
                catch (System.Net.Sockets.SocketException)
                {
                    // Too late for this one.
                }
            })));
            await Task.Yield();
            await server.StopAsync().WaitAsync(Wire.Limit);
            Assert.That(server.Connections, Is.Empty);
            await peers.WaitAsync(Wire.Limit);
        }
    }

    [Test]
    public async Task StoppedServer_DoesNotStart()
    {
        var server = Server(new AllowingHandler());
        await server.StopAsync();
        Assert.That(async () => await server.StartAsync(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(Path.Exists(SocketPath), Is.False);

        await using var running = Server(new AllowingHandler());
        await running.StartAsync();
        Assert.That(async () => await running.StartAsync(), Throws.InstanceOf<InvalidOperationException>());
    }

    private static async Task AssertDrainingAsync(AgentPeer peer)
    {
        var frame = await peer.ReadAsync();
        Assert.That(frame!.Value.Type, Is.EqualTo(MessageType.HealthStatus));
        Assert.That(peer.Encoding.ReadHealth(frame.Value.Payload).State, Is.EqualTo(HealthState.Draining));
    }

    private AgentServer Server(IAgentHandler handler) =>
        new(handler, new AgentServerOptions { Capabilities = AgentHarness.Capabilities, SocketPath = SocketPath, Time = _time });

    private async Task<(AgentServer Server, AgentPeer Peer)> ConnectedAsync(IAgentHandler handler)
    {
        var server = Server(handler);
        await server.StartAsync();
        var peer = await AgentPeer.ConnectAsync(SocketPath);
        await peer.IntroduceAsync("msgpack");
        await Eventually.TrueAsync(() => _time.ActiveTimers == 0, Wire.Limit, "the handshake timeout to be gone");
        return (server, peer);
    }
}
