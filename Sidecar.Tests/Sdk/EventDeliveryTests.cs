using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

public sealed class EventDeliveryTests
{
    [Test]
    public async Task EveryEvent_IsAllowedByDefault([Values("json", "msgpack")] string encoding)
    {
        await using var agent = await AgentHarness.IntroducedAsync(new AllowingHandler(), encoding: encoding);
        foreach (var message in SampleEvents.All(SampleEvents.A))
        {
            var answer = await agent.Peer.AskAsync(message);
            Assert.That(answer.CorrelationId, Is.EqualTo(SampleEvents.A), message.GetType().Name);
            Assert.That(answer.Response.Decision, Is.InstanceOf<AllowDecision>(), message.GetType().Name);
            Assert.That(answer.Response.Guardrail?.Detected, message is GuardrailInspectEvent ? Is.False : Is.Null);
        }

        await agent.IdleAsync();
    }

    [Test]
    public async Task EveryEvent_ReachesItsMethodWhole([Values("json", "msgpack")] string encoding)
    {
        var bodies = new List<string>();
        var handler = new ScriptedHandler((message, _) =>
        {
            bodies.Add(Convert.ToHexString(message switch
            {
                BodyChunkEvent chunk => chunk.Data.Span,
                WebSocketFrameEvent frame => frame.Data.Span,
                _ => default,
            }));
            return new ValueTask<AgentResponse>(Answer.Block(418).WithTag(message.Type.ToString()));
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler, encoding: encoding);
        foreach (var message in SampleEvents.All(SampleEvents.A))
        {
            var answer = await agent.Peer.AskAsync(message);
            Assert.That(answer.Response.Audit.Tags, Is.EqualTo(new[] { message.Type.ToString() }));
        }

        Assert.That(handler.Calls.Select(call => call.Method), Is.EqualTo(SampleEvents.All(SampleEvents.A).Select(e => $"On{e.GetType().Name.Replace("Event", "Async", StringComparison.Ordinal)}")));
        Assert.That(bodies, Is.EqualTo(new[] { "", "010203", "", "0405", "", "06", "", "" }));
        var configure = (ConfigureEvent)handler.Calls.Last().Event;
        Assert.That((configure.ConfigVersion, configure.Config!.Value.GetProperty("a").GetInt32()), Is.EqualTo(("7", 1)), "kept beyond the answer");
    }

    [Test]
    public async Task Defect43_GuardrailAnswer_ArrivesAsSuch([Values("json", "msgpack")] string encoding)
    {
        var handler = new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(Answer.Guardrail(new GuardrailResponse
        {
            Detected = true,
            Confidence = 0.5,
            Detections = [new GuardrailDetection { Category = "ssn" }],
        })));
        await using var agent = await AgentHarness.IntroducedAsync(handler, encoding: encoding);
        var answer = await agent.Peer.AskAsync(new GuardrailInspectEvent { CorrelationId = SampleEvents.A, Content = "x" });
        Assert.That((answer.Response.Guardrail!.Detected, answer.Response.Guardrail.Detections.Single().Category), Is.EqualTo((true, "ssn")));
    }

    [Test]
    public async Task UnknownAndUnexpectedFrames_AreSkipped()
    {
        await using var agent = await AgentHarness.IntroducedAsync(new AllowingHandler());
        foreach (var type in new[] { (MessageType)0xFE, MessageType.None, MessageType.Pong, MessageType.AgentResponse, MessageType.HandshakeRequest })
        {
            await agent.Peer.SendAsync(type, [1, 2, 3]);
        }

        await agent.Peer.SendAsync(MessageType.Cancel, [0xFF]);
        await agent.Peer.PingAsync();
        Assert.That(agent.Connection.SkippedFrames, Is.EqualTo(6));
        Assert.That((await agent.Peer.AskAsync(SampleEvents.Request(SampleEvents.A))).CorrelationId, Is.EqualTo(SampleEvents.A));
    }

    [Test]
    public async Task Defect42_Ping_IsAnsweredWhileHandlersBlock()
    {
        using var entered = new SemaphoreSlim(0);
        using var release = new ManualResetEventSlim();
        var handler = new ScriptedHandler((_, _) =>
        {
            entered.Release();
            return release.Wait(Wire.Limit, CancellationToken.None) ? new ValueTask<AgentResponse>(AgentResponse.Allow) : throw new TimeoutException();
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        await agent.Peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        Assert.That(await entered.WaitAsync(Wire.Limit), Is.True);

        await agent.Peer.PingAsync();
        release.Set();
        Assert.That((await agent.Peer.ReadAnswerAsync()).Response.Decision, Is.InstanceOf<AllowDecision>());
    }

    [Test]
    public async Task AgentSpeaksByItself_WhenTheHandlerAsks([Values("json", "msgpack")] string encoding)
    {
        var handler = new ScriptedHandler();
        await using var agent = await AgentHarness.IntroducedAsync(handler, encoding: encoding);
        await agent.Peer.AskAsync(SampleEvents.Request(SampleEvents.A));
        Assert.That(handler.Connection, Is.SameAs(agent.Connection));
        Assert.That(agent.Connection.TrySendHealth(new HealthStatus { AgentId = "a", State = HealthState.Degraded, TimeoutMultiplier = 2 }), Is.True);
        Assert.That(agent.Connection.TrySendMetrics(new MetricsReport { Counters = [new CounterMetric { Name = "c", Value = 5 }] }), Is.True);
        Assert.That(agent.Connection.TrySendFlowControl(new FlowControlSignal { Action = FlowAction.Pause }), Is.True);
        Assert.That(agent.Connection.TrySendConfigUpdate(new ConfigUpdateRequest { Update = new RequestReload(), RequestId = "9" }), Is.True);

        Assert.That(agent.Peer.Encoding.ReadHealth(await ReadAsync(agent, MessageType.HealthStatus)).TimeoutMultiplier, Is.EqualTo(2));
        Assert.That(agent.Peer.Encoding.ReadMetrics(await ReadAsync(agent, MessageType.MetricsReport)).Counters.Single().Value, Is.EqualTo(5));
        Assert.That(agent.Peer.Encoding.ReadFlowControl(await ReadAsync(agent, MessageType.FlowControl)).Action, Is.EqualTo(FlowAction.Pause));
        Assert.That(agent.Peer.Encoding.ReadConfigUpdate(await ReadAsync(agent, MessageType.ConfigUpdateRequest)).RequestId, Is.EqualTo("9"));
    }

    [Test]
    public async Task AgentSpeaksOutOfTurn_IsToldSo()
    {
        var agent = new AgentHarness(new AllowingHandler());
        Assert.That(agent.Connection.TrySendHealth(new HealthStatus()), Is.False, "before the handshake");
        await agent.Peer.IntroduceAsync("json");
        await agent.DisposeAsync();
        Assert.That(agent.Connection.TrySendHealth(new HealthStatus()), Is.False, "after the end");
    }

    private static async Task<byte[]> ReadAsync(AgentHarness agent, MessageType type)
    {
        var frame = await agent.Peer.ReadAsync();
        Assert.That(frame!.Value.Type, Is.EqualTo(type));
        return frame.Value.Payload;
    }
}
