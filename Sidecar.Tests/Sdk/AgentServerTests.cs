using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AgentServerTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeLoggers _loggers = new();
    private readonly FakeTimeProvider _time = new();

    private string SocketPath => _directory.Socket("agent.sock");

    [TearDown]
    public void Dispose()
    {
        _directory.Dispose();
        _loggers.Dispose();
    }

    [Test]
    public async Task Connections_AreServedSideBySide()
    {
        await using var server = await StartAsync(
            new ScriptedHandler((message, _) => new ValueTask<AgentResponse>(Answer.Allow.WithTag(message.CorrelationId.ToString()))));
        await Task.WhenAll(Enumerable.Range(1, 8).Select(async number =>
        {
            using var peer = await AgentPeer.ConnectAsync(SocketPath);
            await peer.IntroduceAsync(number % 2 == 0 ? "json" : "msgpack");
            for (var i = 0; i < 50; i++)
            {
                var id = new CorrelationId(new UInt128((ulong)number, (ulong)i + 1));
                var answer = await peer.AskAsync(SampleEvents.Request(id));
                Assert.That((answer.CorrelationId, answer.Response.Audit.Tags.Single()), Is.EqualTo((id, id.ToString())));
            }
        }));
        await Eventually.TrueAsync(() => server.Connections.Count == 0, Wire.Limit, "closed connections to be forgotten");
    }

    [Test]
    public async Task Defect46_SocketFile_HasTheModeOfTheOptions()
    {
        await using var server = await StartAsync(new AllowingHandler());
        Assert.That(Convert.ToString((int)File.GetUnixFileMode(SocketPath), 8), Is.EqualTo("660"));
    }

    [Test]
    public async Task ConnectionsBeyondTheLimit_AreClosedAndRoomIsFreedAgain()
    {
        await using var server = await StartAsync(new AllowingHandler(), options => options with { MaxConnections = 2 });
        using var first = await AgentPeer.ConnectAsync(SocketPath);
        using var second = await AgentPeer.ConnectAsync(SocketPath);
        await first.IntroduceAsync("json");
        await second.IntroduceAsync("json");
        using (var third = await AgentPeer.ConnectAsync(SocketPath))
        {
            await third.AssertClosedAsync();
        }

        Assert.That(_loggers.Collector.GetSnapshot().Count(entry => entry.Id.Id == 141), Is.EqualTo(1));
        first.Dispose();
        await Eventually.TrueAsync(() => server.Connections.Count == 1, Wire.Limit, "the first to be forgotten");
        using var fourth = await AgentPeer.ConnectAsync(SocketPath);
        Assert.That((await fourth.IntroduceAsync("json")).Success, Is.True);
    }

    [Test]
    public async Task RefusedHandshakes_AndSilentPeers_NeverFillTheLog()
    {
        await using var server = await StartAsync(new AllowingHandler());
        for (var i = 0; i < 20; i++)
        {
            using var peer = await AgentPeer.ConnectAsync(SocketPath);
            await peer.SendAsync(MessageType.Ping, [1]);
            await peer.AssertClosedAsync();
        }

        for (var i = 0; i < 20; i++)
        {
            using var silent = await AgentPeer.ConnectAsync(SocketPath);
            var closing = silent.AssertClosedAsync();
            await Eventually.TrueAsync(_time, TimeSpan.FromSeconds(1), () => closing.IsCompleted, "the end of the wait for a handshake");
            await closing;
        }

        await Eventually.TrueAsync(() => server.Connections.Count == 0, Wire.Limit, "the peers to be forgotten");
        Assert.That(
            _loggers.Collector.GetSnapshot().Where(static entry => entry.Id.Id == 103).Select(static entry => entry.Message), Has.Exactly(1).StartsWith("handshake refused: the first frame has type"));
        Assert.That(_loggers.Collector.GetSnapshot().Count(static entry => entry.Id.Id == 103), Is.LessThan(2 + 1 + (20 * 10 / 60)), "one a minute, and the peers were silent for 200 s");
    }

    [Test]
    public async Task PeerThatVanishesMidHandler_LeavesNothingBehindAndOthersServed()
    {
        var handler = new ScriptedHandler((message, cancellation) =>
            message is RequestHeadersEvent ? CancelTests.WaitAsync(message, cancellation) : new ValueTask<AgentResponse>(AgentResponse.Allow));
        await using var server = await StartAsync(handler);
        using var other = await AgentPeer.ConnectAsync(SocketPath);
        await other.IntroduceAsync("json");
        var vanishing = await AgentPeer.ConnectAsync(SocketPath);
        await vanishing.IntroduceAsync("msgpack");
        for (var i = 1; i <= 5; i++)
        {
            await vanishing.SendAsync(SampleEvents.Request(new CorrelationId((UInt128)i)));
        }

        await CancelTests.StartedAsync(handler, 5);
        await Eventually.TrueAsync(() => server.Connections.Any(static one => one.Outstanding == 5), Wire.Limit, "the connection to be known");
        var connection = server.Connections.Single(one => one.Outstanding == 5);
        vanishing.Dispose();

        await Eventually.TrueAsync(() => server.Connections.Count == 1, Wire.Limit, "the vanished peer to be forgotten");
        Assert.That(connection.Outstanding, Is.Zero);
        Assert.That((await other.AskAsync(SampleEvents.Body(SampleEvents.B, [1]))).Response.Decision, Is.InstanceOf<AllowDecision>());
    }

    [Test]
    public async Task PeerThatStopsReading_IsGivenUpAndItsSocketReleased()
    {
        var body = new string('x', 64 * 1024);
        await using var server = await StartAsync(
            new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(Answer.Block().WithBody(body))), options => options with { MaxOutstandingEvents = 100 });
        using var peer = await AgentPeer.ConnectAsync(SocketPath);
        await peer.IntroduceAsync("msgpack");
        for (var i = 1; i <= 60; i++)
        {
            await peer.SendAsync(SampleEvents.Request(new CorrelationId((UInt128)i)));
        }

        await Eventually.TrueAsync(() => _time.ArmedTimers > 0 && server.Connections.Count == 1, Wire.Limit, "answers to wait for room");
        while (server.Connections.Count > 0)
        {
            await Eventually.TrueAsync(() => _time.ArmedTimers > 0 || server.Connections.Count == 0, Wire.Limit, "a deadline or the end");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That(_time.GetUtcNow() - new FakeTimeProvider().GetUtcNow(), Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(30)));
        Assert.That(
            _loggers.Collector.GetSnapshot().Select(entry => entry.GetStructuredStateValue("End")),
            Has.Some.EqualTo(nameof(FrameConnectionEnd.ProtocolViolation)));
    }

    [Test]
    public async Task StopBeforeAPeerThatDoesNotRead_IsBounded()
    {
        var body = new string('x', 1024 * 1024);
        var server = await StartAsync(new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(Answer.Block().WithBody(body))));
        using var peer = await AgentPeer.ConnectAsync(SocketPath);
        await peer.IntroduceAsync("msgpack");
        await peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await peer.SendAsync(SampleEvents.Request(SampleEvents.B));
        var stopping = server.StopAsync();
        while (!stopping.IsCompleted)
        {
            await Eventually.TrueAsync(() => _time.ArmedTimers > 0 || stopping.IsCompleted, Wire.Limit, "a deadline or the end");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await stopping;
        Assert.That(server.Connections, Is.Empty);
    }

    private async Task<AgentServer> StartAsync(IAgentHandler handler, Func<AgentServerOptions, AgentServerOptions>? change = null)
    {
        var options = new AgentServerOptions
        {
            Capabilities = AgentHarness.Capabilities,
            SocketPath = SocketPath,
            Time = _time,
            Workers = AgentConnectionOptions.MostWorkers,
        };
        var server = new AgentServer(handler, change?.Invoke(options) ?? options, _loggers);
        await server.StartAsync();
        return server;
    }
}
