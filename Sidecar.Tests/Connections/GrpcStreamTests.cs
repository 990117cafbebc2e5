using System.Buffers.Binary;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;
using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Tests.Connections;

/// <summary>What is particular to a connection whose wire is a stream of gRPC messages; the rest is tested over both wires.</summary>
public sealed class GrpcStreamTests
{
    [Test]
    public async Task Handshake_SaysWhatTheWireCannotDo()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        Assert.That(both.Connection.Traits.CanMutate, Is.False);
        Assert.That(both.Connection.Encoding, Is.EqualTo("protobuf"));
    }

    [TestCase(65_536ul, 0ul, 3_584_000L)]
    [TestCase(65_536ul, 1000ul, 1000L)]
    [TestCase(8_388_608ul, 0ul, 8_388_608L)]
    [TestCase(ulong.MaxValue, ulong.MaxValue, 16_773_120L)]
    public async Task BodyPieces_FitWhatServersTake_UnlessTheAgentPrefersMore(ulong preferred, ulong limit, long expected)
    {
        var limits = new AgentLimits { PreferredChunkSize = preferred, MaxBodySize = limit, MaxConcurrency = 9 };
        await using var both = await ConnectedAgent.OpenAsync(
            encoding: ConnectedAgent.Protobuf, capabilities: ScriptedAgent.Capable() with { Limits = limits });
        Assert.That((both.Connection.Traits.MaxEventBytes, both.Connection.Traits.MaxInFlight), Is.EqualTo((expected, 9)));
    }

    [TestCase("too-long", "16777217")]
    [TestCase("compressed", "compressed")]
    [TestCase("no-message", "none of the protocol")]
    public async Task BrokenStream_FailsAllCallsWithOneCause(string how, string cause)
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        var calls = Enumerable.Range(1, 20).Select(i => both.Call(TestEvents.Headers(i))).ToArray();
        await both.Agent.SendRawAsync(how switch
        {
            "too-long" => Prefix(0, FrameLimits.MaxLength),
            "compressed" => Prefix(1, 0),
            _ => new byte[] { 0, 0, 0, 0, 2, 0x0A, 0x7F },
        });
        var results = await Task.WhenAll(calls).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(results.Select(result => result.Outcome), Is.All.EqualTo(CallOutcome.ConnectionLost));
        Assert.That(results.Select(result => result.Detail).Distinct().Single(), Does.Contain(cause));
    }

    [Test]
    public async Task UndecodableAnswer_FailsExactlyItsCall()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        var bad = both.Call(TestEvents.Headers(1));
        var good = both.Call(TestEvents.Headers(2));
        var answer = new Wire.AgentResponse { CorrelationId = $"{TestEvents.Id(1)}", RequestHeaders = { new Wire.HeaderOp() } };
        await both.Agent.SendAsync(MessageType.AgentResponse, new Wire.AgentToProxy { Response = answer }.ToByteArray());
        await both.Agent.AnswerAsync(TestEvents.Id(2));
        Assert.That((await bad).Outcome, Is.EqualTo(CallOutcome.BadAnswer));
        Assert.That((await bad).Detail, Does.Contain("header operation"));
        Assert.That((await good).IsAnswered, Is.True);
    }

    [Test]
    public async Task MessagesOfItsOwn_ReachTheSink_AndLaterOnesAreSkipped()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        await both.Agent.SendRawAsync(new byte[] { 0, 0, 0, 0, 0 });
        await both.Agent.SendRawAsync(new byte[] { 0, 0, 0, 0, 3, 0x9A, 0x06, 0 });
        await both.Agent.SendHealthAsync(new HealthStatus { State = HealthState.Degraded, TimeoutMultiplier = 2 });
        await both.Agent.SendFlowControlAsync(FlowAction.Pause);
        await Eventually.TrueAsync(() => both.Sink.Messages.Count == 2, ScriptedAgent.Limit, "two messages");
        Assert.That(((HealthStatus)both.Sink.Messages.ElementAt(0)).TimeoutMultiplier, Is.EqualTo(2));
        Assert.That(((FlowControlSignal)both.Sink.Messages.ElementAt(1)).Action, Is.EqualTo(FlowAction.Pause));
        Assert.That(both.Connection.IsOpen, Is.True);
    }

    [Test]
    public async Task LogLines_GoIntoOurLogAtTheirLevel_CleanedAndNotTooMany()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        await SendLogAsync(both, new AgentLogMessage { Level = AgentLogLevel.Error, Message = "lost\nits rules", Fields = new Dictionary<string, string> { ["file"] = "a\tb" } });
        for (var i = 0; i < 60; i++)
        {
            await SendLogAsync(both, new AgentLogMessage { Level = AgentLogLevel.Info, Message = $"line {i}" });
        }

        // What is sent in order is taken in order.
        await both.Agent.SendHealthAsync(new HealthStatus { State = HealthState.Healthy });
        await Eventually.TrueAsync(() => !both.Sink.Messages.IsEmpty, ScriptedAgent.Limit, "all lines to be taken");
        both.Clock.Advance(TimeSpan.FromSeconds(10));
        await SendLogAsync(both, new AgentLogMessage { Level = AgentLogLevel.Warn, Message = "again" });
        await Eventually.TrueAsync(() => both.Log.Collector.GetSnapshot().Any(entry => entry.Message.Contains("again")), ScriptedAgent.Limit, "the last line");
        var lines = both.Log.Collector.GetSnapshot().Where(entry => entry.Message.Contains("says")).ToList();
        Assert.That(lines, Has.Count.EqualTo(51));
        Assert.That((lines[0].Level, lines[0].Message), Is.EqualTo((LogLevel.Error, @"agent waf says: lost\u000aits rules (file=a\u0009b); 0 lines of it were left out since the last one")));
        Assert.That((lines[^1].Level, lines[^1].Message), Is.EqualTo((LogLevel.Warning, "agent waf says: again; 11 lines of it were left out since the last one")));
    }

    [Test]
    public async Task Ping_IsAnsweredBySomethingThatCountsAsLife()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        both.Clock.Advance(TimeSpan.FromSeconds(3));
        both.Connection.Ping();
        var ping = Wire.ProxyToAgent.Parser.ParseFrom((await both.Agent.ReceiveAsync(MessageType.Ping)).Payload);
        Assert.That(both.Clock.GetElapsedTime(both.Connection.Stats.LastHeard), Is.EqualTo(TimeSpan.FromSeconds(3)));
        await both.Agent.SendAsync(MessageType.Pong, new Wire.AgentToProxy { Pong = new Wire.Pong { Sequence = ping.Ping.Sequence } }.ToByteArray());
        await Eventually.TrueAsync(() => both.Clock.GetElapsedTime(both.Connection.Stats.LastHeard) == TimeSpan.Zero, ScriptedAgent.Limit, "the pong to be heard");
    }

    [Test]
    public async Task Defect14_Configuration_IsAcceptedByThePongBehindIt_AndByNothingElse()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        both.Connection.Ping();
        var earlier = await both.Agent.ReceiveAsync(MessageType.Ping);
        var sending = SendAsync(both);
        var configure = await both.Agent.ReceiveEventAsync<ConfigureEvent>();
        Assert.That(configure.Config!.Value.GetProperty("paranoia").GetInt32(), Is.EqualTo(3));
        var ping = await both.Agent.ReceiveAsync(MessageType.Ping);
        await PongAsync(both, earlier);
        await both.Agent.AnswerAsync(default(CorrelationId));
        await both.Agent.SendAsync(MessageType.Pong, new Wire.AgentToProxy { Log = new Wire.LogMessage() }.ToByteArray());
        await Eventually.TrueAsync(() => both.Connection.Stats.LateAnswers == 1, ScriptedAgent.Limit, "the answer without an id, as another SDK sends it");
        Assert.That(sending.IsCompleted, Is.False, "the pong of an earlier ping says nothing");
        await PongAsync(both, ping);
        await sending;
        Assert.That(both.Connection.Stats.InFlight, Is.Zero);
    }

    // Silence was consent once: an agent that was still thinking judged by what it then refused.
    [Test]
    public async Task Configuration_WithoutAPong_FailsTheDial_AtTheEndOfItsTimeAndNotATickBefore()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        var sending = SendAsync(both);
        await both.Agent.ReceiveEventAsync<ConfigureEvent>();
        await both.Agent.ReceiveAsync(MessageType.Ping);
        both.Clock.Advance(both.Settings.ConnectTimeout - TimeSpan.FromTicks(1));
        Assert.That(sending.IsCompleted, Is.False);
        both.Clock.Advance(TimeSpan.FromTicks(1));
        var error = Assert.ThrowsAsync<ProtocolException>(() => sending.WaitAsync(ScriptedAgent.Limit, TimeProvider.System));
        Assert.That((error!.Message, DialProblemException.In(error)), Is.EqualTo(("the agent did not accept its configuration: the agent did not answer the ping behind its configuration in time", DialProblem.Unreachable)));
    }

    // The reference's agents refuse so, and it was taken for a lost connection: four attempts, four connections with the calls on them.
    [Test]
    public async Task EndOfTheStreamBehindAConfiguration_IsARefusal_NotALostConnection()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        var push = both.Call(Push());
        await both.Agent.ReceiveEventAsync<ConfigureEvent>();
        both.Agent.HalfClose();
        var end = await push.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That((end.Outcome, (end.Response?.Decision as BlockDecision)?.Body), Is.EqualTo((CallOutcome.Answered, "the agent ended the stream when it was given its configuration")));

        await using var dialled = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        var sending = SendAsync(dialled);
        await dialled.Agent.ReceiveEventAsync<ConfigureEvent>();
        dialled.Agent.HalfClose();
        var error = Assert.ThrowsAsync<ProtocolException>(() => sending.WaitAsync(ScriptedAgent.Limit, TimeProvider.System));
        Assert.That(DialProblemException.In(error), Is.EqualTo(DialProblem.ConfigurationRefused));
    }

    [Test]
    public async Task WordOfAnAgentThatHasOne_Counts_AndARefusalThatComesLateEndsTheConnection()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        var push = both.Call(Push());
        await both.Agent.ReceiveEventAsync<ConfigureEvent>();
        await both.Agent.AnswerAsync(GrpcDialect.ConfigureId);
        Assert.That((await push.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Response?.Decision, Is.InstanceOf<AllowDecision>());
        await both.Agent.AnswerAsync(GrpcDialect.ConfigureId, No);
        Assert.That(await both.Connection.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Does.Contain("no such rule set"), "it may not judge by what it refuses");
    }

    [Test]
    public async Task PushedConfiguration_ThatIsRefusedInWords_FailsThePushAndNotTheConnection()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        var sending = SendAsync(both);
        await both.Agent.ReceiveEventAsync<ConfigureEvent>();
        await PongAsync(both, await both.Agent.ReceiveAsync(MessageType.Ping));
        await sending;
        var push = both.Call(Push());
        await both.Agent.AnswerAsync(GrpcDialect.ConfigureId);
        await both.Agent.AnswerAsync(GrpcDialect.ConfigureId, No);
        var end = await push.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That((end.Response?.Decision as BlockDecision)?.Body, Is.EqualTo("no such rule set"), "the first answer belongs to the configuration of the dial");
        Assert.That(both.Connection.IsOpen, Is.True);
    }

    [Test]
    public async Task PushedConfiguration_EndsWithItsConnection()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ConnectedAgent.Protobuf);
        var push = both.Call(Push());
        both.Connection.Abort("gone");
        Assert.That((await push.WaitAsync(ScriptedAgent.Limit, TimeProvider.System)).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
    }

    private static Task SendAsync(ConnectedAgent both) => ConfigurationPush.SendAsync(
        both.Connection, both.Settings with { Configuration = JsonDocument.Parse("""{"paranoia":3}""").RootElement }, both.Clock, CancellationToken.None);

    private static Task PongAsync(ConnectedAgent both, ReceivedFrame ping) => both.Agent.SendAsync(
        MessageType.Pong,
        new Wire.AgentToProxy { Pong = new Wire.Pong { Sequence = Wire.ProxyToAgent.Parser.ParseFrom(ping.Payload).Ping.Sequence } }.ToByteArray());

    private static readonly AgentResponse No = new() { Decision = new BlockDecision(400, "no such rule set") };

    private static ConfigureEvent Push() => new() { Config = JsonDocument.Parse("2").RootElement, ConfigVersion = "1-push-1", CorrelationId = CorrelationId.Parse("push-1.1") };

    private static async Task SendLogAsync(ConnectedAgent both, AgentLogMessage message)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        both.Agent.Encoding.WriteLog(output, message);
        await both.Agent.SendAsync(MessageType.Log, output.WrittenMemory);
    }

    private static byte[] Prefix(byte flag, uint length)
    {
        var bytes = new byte[FrameLimits.HeaderSize];
        bytes[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), length);
        return bytes;
    }
}
