using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Rule 10: a monitor is asked off the path, recorded, never applied; an agent that is off is not asked.</summary>
public sealed class MonitorTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Monitor_NeitherDelaysNorChangesAndIsRecorded()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var monitor = Monitor(async (_, _) =>
        {
            await turn.Task;
            return Answer.Block(403).WithRequestHeaders(HeaderOperation.Set("x-a", "1"));
        });
        await using var harness = await InspectionHarness.StartAsync(monitor);

        var answer = await harness.Client.AskAsync(Events.Request("x"));
        Assert.That(answer, Is.SameAs(AgentResponse.Allow), "answered while the monitor still thinks");
        turn.SetResult();
        await RecordedAsync(harness, "m|would-block=1");
        await harness.Client.AskAsync(Events.Complete("x"));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|not-subject|none=1" }));
        await monitor.SeenAsync(2);
        Assert.That(monitor.Seen[1], Is.TypeOf<RequestCompleteEvent>());
    }

    [Test]
    public async Task EndBeforeTheMonitorAnswered_StillTellsItTheEnd()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var monitor = Monitor(async (message, _) =>
        {
            await (message is RequestHeadersEvent ? turn.Task : Task.CompletedTask);
            return AgentResponse.Allow;
        });
        await using var harness = await InspectionHarness.StartAsync(monitor);
        await harness.Client.AskAsync(Events.Request("x"));
        await harness.Client.AskAsync(Events.Complete("x"));
        turn.SetResult();
        await monitor.SeenAsync(2);
        Assert.That(monitor.Seen.Select(static seen => seen.Type), Is.EqualTo(new[] { MessageType.RequestHeaders, MessageType.RequestComplete }));
    }

    [Test]
    public async Task CopiesOfABody_SurviveTheOriginalsMemory()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var monitor = Monitor(async (message, _) =>
        {
            await (message is RequestHeadersEvent ? turn.Task : Task.CompletedTask);
            return AgentResponse.Allow;
        });
        await using var harness = await InspectionHarness.StartAsync(monitor);
        var exchange = harness.Inspector.Begin("test", null, "/", "GET");
        var deadline = harness.Inspector.DeadlineIn(Limit);
        await harness.Inspector.InspectAsync(exchange, Events.Request("x"), deadline);
        var memory = "original"u8.ToArray();
        using var step = await harness.Inspector.PushAsync(exchange, Direction.Request, new BodyPiece(memory, BodyEnd.Last), deadline);
        Array.Clear(memory);
        turn.SetResult();
        await monitor.SeenAsync(2);
        harness.Inspector.End(exchange);
        Assert.That(Events.Text(((RequestBodyChunkEvent)monitor.Seen[1]).Data), Is.EqualTo("original"));
    }

    [Test]
    public async Task CopiesBeyondTheBound_AreDroppedAndCounted()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var monitor = Monitor(async (message, _) =>
        {
            await (message is RequestHeadersEvent ? turn.Task : Task.CompletedTask);
            return AgentResponse.Allow;
        });
        await using var harness = await InspectionHarness.StartAsync(monitor);
        var exchange = harness.Inspector.Begin("test", null, "/", "GET");
        var deadline = harness.Inspector.DeadlineIn(Limit);
        await harness.Inspector.InspectAsync(exchange, Events.Request("x"), deadline);
        var piece = new byte[1024 * 1024];
        for (var i = 0; i < 17; i++)
        {
            using var step = await harness.Inspector.PushAsync(exchange, Direction.Request, new BodyPiece(piece, BodyEnd.More), deadline);
        }

        Assert.That(harness.Sums.Of("monitor.verdicts"), Is.EqualTo(new[] { "m|dropped=1" }), "16 MiB are kept");
        turn.SetResult();
        await RecordedAsync(harness, "m|would-allow=17");
        harness.Inspector.End(exchange);
    }

    [TestCase("block", "would-block")]
    [TestCase("redirect", "would-redirect")]
    [TestCase("challenge", "would-challenge")]
    [TestCase("throw", "agent-error")]
    [TestCase("bad", "bad-answer")]
    public async Task AnswerOfAMonitor_IsRecordedAsWhatItWouldHaveDone(string kind, string recorded)
    {
        await using var monitor = Monitor((_, _) => kind switch
        {
            "block" => new(Answer.Block(403)),
            "redirect" => new(Answer.Redirect("/x")),
            "challenge" => new(Answer.Challenge("captcha")),
            "bad" => new(AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("x-a", "\n"))),
            _ => throw new InvalidOperationException("broken"),
        });
        await using var harness = await InspectionHarness.StartAsync(monitor);
        Assert.That(await harness.Client.AskAsync(Events.Request("x")), Is.SameAs(AgentResponse.Allow));
        await RecordedAsync(harness, $"m|{recorded}=1");
    }

    [Test]
    public async Task FramesAndFindings_AreRecordedAsBlocks()
    {
        await using var monitor = Monitor((message, _) => new(message switch
        {
            WebSocketFrameEvent => Answer.WebSocket(WebSocketDecision.Drop),
            GuardrailInspectEvent => Answer.Guardrail(new GuardrailResponse { Detected = true }),
            _ => AgentResponse.Allow,
        }));
        await using var harness = await InspectionHarness.StartAsync(monitor);
        await harness.Client.AskAsync(Events.Request("x"));
        Assert.That((await harness.Client.AskAsync(Events.Frame("x", "f"))).WebSocketDecision, Is.Null);
        Assert.That((await harness.Client.AskAsync(Events.Guardrail("x", "t"))).Guardrail, Is.Null);
        await RecordedAsync(harness, "m|would-block=2");
    }

    [Test]
    public async Task AbsentMonitor_IsRecordedAndHarmsNobody()
    {
        await using var monitor = new LambdaAgent("m") { IsAbsent = true, Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Mode = AgentMode.Monitor } };
        await using var harness = await InspectionHarness.StartAsync(monitor);
        Assert.That(await harness.Client.AskAsync(Events.Request("x")), Is.SameAs(AgentResponse.Allow));
        await RecordedAsync(harness, "m|agent-absent=1");
    }

    [Test]
    public async Task AgentThatIsOff_IsNotAsked()
    {
        await using var off = new LambdaAgent("off")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Mode = AgentMode.Off },
            Answers = static (_, _) => new(Answer.Block()),
        };
        await using var harness = await InspectionHarness.StartAsync(off);
        Assert.That(await harness.Client.AskAsync(Events.Request("x")), Is.SameAs(AgentResponse.Allow));
        await harness.Client.AskAsync(Events.Complete("x"));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|not-subject|none=1" }));
        Assert.That(off.Seen, Is.Empty);
    }

    private static LambdaAgent Monitor(Func<AgentEvent, CancellationToken, ValueTask<AgentResponse>> answers) =>
        new("m") { MaxBodySize = 64 * 1024 * 1024, Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Mode = AgentMode.Monitor }, Answers = answers };

    private static Task RecordedAsync(InspectionHarness harness, string line) =>
        Eventually.TrueAsync(() => harness.Sums.Of("monitor.verdicts").Contains(line), Limit, line);
}
