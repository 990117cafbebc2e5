using System.Buffers;
using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

/// <summary>
/// Defects of the reference's client connections (spec §10), by their numbers. Those of the pool are in its own tests, those of sessions and limits beside
/// theirs.
/// </summary>
public sealed class ReferenceDefectTests
{
    // The clock stands still, so nothing but the end of the connection can end these calls.
    [Test]
    public async Task Defect03_EndOfTheConnection_FailsEveryPendingCallAtOnce_WithOneCause(
        [Values(ProtocolConstants.Json, ConnectedAgent.Protobuf)] string wire)
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: wire);
        var calls = Enumerable.Range(1, 50).Select(n => both.Call(TestEvents.Headers(n), 60_000)).ToArray();
        await both.Agent.ReceiveEventAsync();
        both.Agent.HalfClose();
        var results = await Task.WhenAll(calls);
        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(CallOutcome.ConnectionLost));
        Assert.That(results.Select(static result => result.Detail).Distinct().Count(), Is.EqualTo(1));
        Assert.That((both.Connection.Stats.InFlight, both.Connection.Stats.Owed), Is.EqualTo((0, 0)));
        await Eventually.TrueAsync(() => both.Clock.ActiveTimers == 0, ScriptedAgent.Limit, "no timer to be left");
    }

    [Test]
    public async Task Defect04_InFlight_ReturnsToZero_AfterTimeoutCancelEncodingErrorAndRefusal()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ProtocolConstants.MessagePack);
        var late = both.Call(TestEvents.Headers(1), 100);
        var cancelled = both.Call(TestEvents.Headers(2));
        await both.Agent.ReceiveEventAsync();
        await both.Agent.ReceiveEventAsync();
        Assert.That((await both.Call(TestEvents.Chunk(3, size: 20_000_000))).Outcome, Is.EqualTo(CallOutcome.NotSendable));
        Assert.That((await both.Call(TestEvents.Chunk(4), 0)).Outcome, Is.EqualTo(CallOutcome.TimedOut));
        both.Connection.Cancel(TestEvents.Id(2), CancelReason.Manual);
        both.Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.That(((await late).Outcome, (await cancelled).Outcome), Is.EqualTo((CallOutcome.TimedOut, CallOutcome.Cancelled)));
        Assert.That((both.Connection.Stats.InFlight, both.Connection.Stats.Owed), Is.EqualTo((2, 2)), "the agent still works on two");
        await both.Agent.AnswerAsync(TestEvents.Id(1));
        await both.Agent.AnswerAsync(TestEvents.Id(2));
        await Eventually.TrueAsync(() => both.Connection.Stats.InFlight == 0, ScriptedAgent.Limit, "nothing to be left");
    }

    [Test]
    public async Task Defect06_MessagePackEvents_AreMapsThatHaveEachKeyOnce()
    {
        await using var both = await ConnectedAgent.OpenAsync(encoding: ProtocolConstants.MessagePack);
        var call = both.Call(TestEvents.Chunk(1));
        var frame = await both.Agent.ReceiveAsync(MessageType.RequestBodyChunk);
        Assert.That(frame.Payload[0] & 0xF0, Is.EqualTo(0x80), "a map");
        var text = Encoding.Latin1.GetString(frame.Payload);
        Assert.That(text.Split("correlation_id"), Has.Length.EqualTo(2), "one key of that name");
        await both.Agent.AnswerAsync(TestEvents.Id(1));
        await call;
    }

    [TestCase(7u, ProtocolConstants.Json)]
    [TestCase(2u, ProtocolConstants.MessagePack)]
    public async Task Defect07_HandshakeAnswer_IsHeldAgainstTheOffer(uint version, string encoding)
    {
        await using var both = new ConnectedAgent(encodings: [ProtocolConstants.Json]);
        var opening = both.OpenAsync();
        await both.Agent.AcceptAsync(encoding, version: version);
        Assert.That(async () => await opening, Throws.InstanceOf<ProtocolException>());
        Assert.That(both.Connection.IsOpen, Is.False);
    }

    [Test]
    public void Defect08_LargestFrame_IsTheSameForWriterAndReader()
    {
        using var frame = FrameBuffer.Rent(MessageType.RequestBodyChunk);
        frame.Write(new byte[FrameLimits.MaxLength - 1]);
        var bytes = new ReadOnlySequence<byte>(frame.Finish().ToArray(FrameFormat.Native));
        Assert.That(FrameFormat.Native.TryRead(ref bytes, FrameLimits.MaxLength, out var read, out _), Is.EqualTo(FrameScanStatus.Frame));
        Assert.That((read.Payload.Length, bytes.IsEmpty), Is.EqualTo((FrameLimits.MaxLength - 1, true)));
        using var longer = FrameBuffer.Rent(MessageType.RequestBodyChunk);
        longer.Write(new byte[FrameLimits.MaxLength]);
        Assert.That(() => longer.Finish(), Throws.InstanceOf<FrameTooLongException>());
    }

    [Test]
    public async Task Defect09_UnknownFrame_IsSkipped()
    {
        await using var both = await ConnectedAgent.OpenAsync();
        await both.Agent.SendAsync((MessageType)0x77, new byte[100]);
        var call = both.Call(TestEvents.Headers(1));
        await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
        Assert.That((await call).IsAnswered, Is.True);
    }

    [TestCase(0)]
    [TestCase(8)]
    public void Defect10_Configure_IsUnderstoodByEitherNumber(int number)
    {
        var payload = Encoding.UTF8.GetBytes(
            """{"protocol_version":2,"success":true,"capabilities":{"agent_id":"a","name":"a","version":"1","supported_events":[1,N]}}""".Replace("N", $"{number}", StringComparison.Ordinal));
        Assert.That(HandshakeCodec.ReadResponse(payload).Capabilities.SupportedEvents, Is.EqualTo(EventSet.RequestHeaders | EventSet.Configure));
    }

    // Not by number: agents built on the reference never answer guardrails (spec §5.3). Their silence must not use up the connection.
    [Test]
    public async Task GuardrailsThatAreNeverAnswered_TakeNoSlotForEver()
    {
        await using var both = await ConnectedAgent.OpenAsync(maxInFlight: 4);
        for (var exchange = 1; exchange <= CallTable.MostUncertain + 10; exchange++)
        {
            var call = both.Call(Inspect(exchange), 10);
            await both.Agent.ReceiveAsync(MessageType.GuardrailInspect);
            both.Clock.Advance(TimeSpan.FromMilliseconds(10));
            Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.TimedOut));
            await both.Agent.ReceiveCancelAsync();
        }

        Assert.That((both.Connection.Stats.InFlight, both.Connection.Stats.Owed), Is.EqualTo((0, 0)));
        var last = CallTable.MostUncertain + 10;
        Assert.That((await both.Call(TestEvents.Headers(last))).Outcome, Is.EqualTo(CallOutcome.Owed), "an answer could still come and be taken for this one's");
        var complete = both.Call(TestEvents.Complete(last));
        await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
        Assert.That((await complete).IsAnswered, Is.True);
        var other = both.Call(TestEvents.Headers(last - 1));
        Assert.That((await other).Outcome, Is.EqualTo(CallOutcome.Owed));
        await both.Agent.AnswerAsync(TestEvents.Id(last - 1), new AgentResponse { Decision = new BlockDecision() });
        await Eventually.TrueAsync(() => both.Connection.Stats.LateAnswers == 1, ScriptedAgent.Limit, "the late answer");
        var next = both.Call(TestEvents.Headers(last - 1));
        await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
        Assert.That((await next).Response!.Decision, Is.InstanceOf<AllowDecision>());
    }

    // What is remembered of guardrails that nobody answers has a bound: the debts of the exchanges longest ago are forgotten, and no others.
    [Test]
    public async Task GuardrailsThatAreNeverAnswered_AreForgottenBeyondTheBound()
    {
        const int beyond = 3;
        await using var both = await ConnectedAgent.OpenAsync(maxInFlight: 4);
        for (var exchange = 1; exchange <= CallTable.MostUncertain + beyond; exchange++)
        {
            var call = both.Call(Inspect(exchange), 10);
            await both.Agent.ReceiveAsync(MessageType.GuardrailInspect);
            both.Clock.Advance(TimeSpan.FromMilliseconds(10));
            await call;
            await both.Agent.ReceiveCancelAsync();
        }

        for (var exchange = 1; exchange <= beyond; exchange++)
        {
            var call = both.Call(TestEvents.Headers(exchange));
            Assert.That(call.IsCompleted, Is.False, $"exchange {exchange} is forgotten, so it may ask");
            await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
            Assert.That((await call).IsAnswered, Is.True);
        }

        Assert.That((await both.Call(TestEvents.Headers(beyond + 1))).Outcome, Is.EqualTo(CallOutcome.Owed), "the oldest that is remembered");
    }

    [Test]
    public async Task GuardrailsOfAnAgentThatDeclaresThem_KeepTheirSlot()
    {
        var capabilities = ScriptedAgent.Capable() with { Features = new AgentFeatures { ConcurrentRequests = 4, Guardrails = true } };
        await using var both = await ConnectedAgent.OpenAsync(capabilities: capabilities);
        var call = both.Call(Inspect(1), 10);
        await both.Agent.ReceiveEventAsync();
        both.Clock.Advance(TimeSpan.FromMilliseconds(10));
        await call;
        Assert.That((both.Connection.Stats.InFlight, both.Connection.Stats.Owed), Is.EqualTo((1, 1)));
    }

    private static GuardrailInspectEvent Inspect(int exchange) => Events.Guardrail("unused", "text") with { CorrelationId = TestEvents.Id(exchange) };
}
