using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

public sealed class EventFailureTests
{
    private static readonly Func<AgentEvent, CancellationToken, ValueTask<AgentResponse>>[] Broken =
    [
        (_, _) => throw new FormatException("at once"),
        async (_, _) =>
        {
            await Task.Yield();
            throw new FormatException("later");
        },
        (_, _) => default,
        (_, _) => new ValueTask<AgentResponse>((AgentResponse)null!),
        async (_, _) =>
        {
            await Task.Yield();
            return null!;
        },
        (_, _) => throw new OperationCanceledException("of its own"),
        (_, _) => new ValueTask<AgentResponse>(Task.FromCanceled<AgentResponse>(new CancellationToken(canceled: true))),
    ];

    [Test]
    public async Task HandlerWithoutAnAnswer_IsAnsweredWithAnError([Range(0, 6)] int which, [Values("json", "msgpack")] string encoding)
    {
        await using var agent = await AgentHarness.IntroducedAsync(new ScriptedHandler(Broken[which]), encoding: encoding);
        foreach (var message in SampleEvents.All(SampleEvents.A))
        {
            CancelTests.AssertFailure(await agent.Peer.AskAsync(message), SampleEvents.A, ReasonCodes.HandlerError);
        }

        Assert.That(agent.Logger.Collector.GetSnapshot().Count(entry => entry.Id.Id == 104), Is.EqualTo(8), "each is logged");
        await agent.IdleAsync();
    }

    [Test]
    public async Task AnswerTooLargeForAFrame_IsAnsweredWithAnError()
    {
        var handler = new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(Answer.Block().WithBody(new string('x', 17 * 1024 * 1024))));
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        CancelTests.AssertFailure(await agent.Peer.AskAsync(SampleEvents.Request(SampleEvents.A)), SampleEvents.A, ReasonCodes.UnencodableAnswer);
    }

    [Test]
    public async Task AnswerWithoutADecision_IsAnsweredWithAnError()
    {
        var handler = new ScriptedHandler((_, _) => new ValueTask<AgentResponse>(AgentResponse.Allow with { Decision = null! }));
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        CancelTests.AssertFailure(await agent.Peer.AskAsync(SampleEvents.Request(SampleEvents.A)), SampleEvents.A, ReasonCodes.UnencodableAnswer);
    }

    [Test]
    public async Task Defect41_UndecodableEvent_IsAnsweredWithAnErrorAndItsId([Values("json", "msgpack")] string encoding)
    {
        var handler = new ScriptedHandler();
        await using var agent = await AgentHarness.IntroducedAsync(handler, encoding: encoding);
        for (var type = MessageType.RequestHeaders; type <= MessageType.GuardrailInspect; type++)
        {
            await agent.Peer.SendAsync(type, Bytes.Of(agent.Peer.Encoding, $$"""{"correlation_id":"id-{{(int)type}}","metadata":7,"data":7,"content":7,"headers":7,"status":"x"}"""));
            CancelTests.AssertFailure(await agent.Peer.ReadAnswerAsync(), CorrelationId.Parse($"id-{(int)type}"), ReasonCodes.UndecodableEvent);
        }

        await agent.Peer.SendAsync(MessageType.RequestHeaders, [0xC1]);
        CancelTests.AssertFailure(await agent.Peer.ReadAnswerAsync(), default, ReasonCodes.UndecodableEvent);
        Assert.That(handler.Calls, Is.Empty);
        await agent.IdleAsync();
    }

    [Test]
    public async Task ErrorDecision_IsTheOptions()
    {
        await using var agent = await AgentHarness.IntroducedAsync(
            new ScriptedHandler((_, _) => throw new FormatException()), options => options with { ErrorDecision = new BlockDecision(503, "try later") });
        Assert.That((await agent.Peer.AskAsync(SampleEvents.Request(SampleEvents.A))).Response.Decision, Is.EqualTo(new BlockDecision(503, "try later")));
    }

    [Test]
    public async Task IdTooLongToBeEchoed_EndsThisConnectionOnly([Values] bool decodable)
    {
        var agent = await AgentHarness.IntroducedAsync(new AllowingHandler(), encoding: "json");
        var id = new string('x', 9 * 1024 * 1024);
        var type = decodable ? MessageType.RequestComplete : MessageType.RequestHeaders;
        await agent.Peer.SendAsync(type, Encoding.UTF8.GetBytes($$"""{"correlation_id":"{{id}}","status":200,"duration_ms":1,"request_body_size":0,"response_body_size":0,"upstream_attempts":1}"""));
        await agent.Running.WaitAsync(Wire.Limit);
        Assert.That(agent.Connection.End, Is.EqualTo(FrameConnectionEnd.ProtocolViolation));
        await agent.Connection.WaitForHandlersAsync().WaitAsync(Wire.Limit);
        Assert.That(agent.Connection.Outstanding, Is.Zero);
    }
}
