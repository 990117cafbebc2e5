using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>The ways a stream ends, and what the exchange comes to.</summary>
internal sealed class ExtProcEndTests
{
    [Test]
    public async Task StreamWithoutAMessage_IsNoExchange()
    {
        await using var rig = await ExtProcRig.StartAsync();

        Assert.That(await rig.CloseAsync(), Is.EqualTo(ExtProcEnd.Done));
        Assert.That(rig.Harness.Sums.Sum("exchanges.received"), Is.Zero);
    }

    [TestCase(true, BodySendMode.Buffered, BodySendMode.None, ExpectedResult = true)]
    [TestCase(false, BodySendMode.None, BodySendMode.None, ExpectedResult = true)]
    [TestCase(false, BodySendMode.FullDuplexStreamed, BodySendMode.None, ExpectedResult = false)]
    [TestCase(true, BodySendMode.None, BodySendMode.Streamed, ExpectedResult = false)]
    [TestCase(true, null, null, ExpectedResult = false)]
    public async Task<bool> WhereNobodyIsAsked_TheAnswerEndsTheStream_UnlessABodyMayCome(bool isAll, BodySendMode? request, BodySendMode? response)
    {
        await using var rig = await ExtProcRig.StartAsync();
        var answer = await rig.AskAsync(Messages.Request(isAll, request, response));
        await rig.Stream.IdleAsync();
        var isEnded = rig.Stream.End is not null;

        Assert.That(answer.RequestHeaders, Is.Not.Null);
        Assert.That(isEnded ? await rig.EndAsync() : ExtProcEnd.Done, Is.EqualTo(ExtProcEnd.Done));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("not-subject|none"));
        return isEnded;
    }

    [Test]
    public async Task WhereOnlyAMonitorIsAsked_TheStreamGoesOn()
    {
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Mode = AgentMode.Monitor } };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(last: true, BodySendMode.None, BodySendMode.None));
        await rig.Stream.IdleAsync();

        Assert.That(rig.Stream.End, Is.Null);
    }

    [Test]
    public async Task HalfClose_StillGetsItsAnswer_AndTellsTheAgentTheEnd()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = new LambdaAgent("a");
        agent.Answers = async (message, _) =>
        {
            if (message is ResponseHeadersEvent)
            {
                await turn.Task;
            }

            return AgentResponse.Allow;
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(last: true));
        await rig.TellAsync(Messages.Response(last: true, status: "404"));
        var closing = rig.CloseAsync();
        await agent.SeenAsync(2);
        Assert.That(closing.IsCompleted, Is.False);
        turn.SetResult();

        Assert.That((await rig.NextAsync()).ResponseHeaders, Is.Not.Null);
        Assert.That(await closing, Is.EqualTo(ExtProcEnd.Done));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
        await agent.SeenAsync(3);
        Assert.That(agent.Seen[2], Is.TypeOf<RequestCompleteEvent>().With.Property(nameof(RequestCompleteEvent.Status)).EqualTo(404));
    }

    [TestCase(true, true, null, true)]
    [TestCase(true, false, BodySendMode.None, true)]
    [TestCase(false, false, BodySendMode.None, true)]
    [TestCase(true, false, null, false)]
    [TestCase(true, false, BodySendMode.Streamed, false)]
    [TestCase(false, true, null, false)]
    public async Task AnswerAboutTheResponse_EndsTheStream_UnlessMoreMayCome(bool isRequestAll, bool isResponseAll, BodySendMode? mode, bool isEnd)
    {
        await using var agent = new LambdaAgent("a") { Supports = EventSet.RequestHeaders | EventSet.ResponseHeaders };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(isRequestAll, mode, mode));
        await rig.Stream.IdleAsync();
        Assert.That(rig.Stream.End, Is.Null, "the agent wants the response");
        await rig.AskAsync(Messages.Response(isResponseAll));
        await rig.Stream.IdleAsync();

        Assert.That(rig.Stream.End, Is.EqualTo(isEnd ? ExtProcEnd.Done : null));
        rig.Stream.OnGone();
        Assert.That(await rig.EndAsync(), Is.EqualTo(isEnd ? ExtProcEnd.Done : ExtProcEnd.Gone));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"), "a reset behind the last answer is not held against the exchange");
    }

    [Test]
    public async Task HalfCloseInTheMiddleOfABody_IsTheClientsGoing()
    {
        await using var rig = await ExtProcRig.StartAsync(new LambdaAgent("a"));
        await rig.AskAsync(Messages.Request(request: BodySendMode.Streamed));
        await rig.AskAsync(Messages.Body(Direction.Request, "a"));

        Assert.That(await rig.AccountAsync(), Is.EqualTo("abandoned|client-gone"));
    }

    [TestCase(false, "bypassed|truncated")]
    [TestCase(true, "partly|truncated")]
    public async Task ResponseBeforeTheEndOfTheBody_IsAccounted(bool some, string account)
    {
        await using var rig = await ExtProcRig.StartAsync(new LambdaAgent("a"));
        await rig.AskAsync(Messages.Request(request: BodySendMode.Streamed));
        if (some)
        {
            await rig.AskAsync(Messages.Body(Direction.Request, "a"));
        }

        await rig.AskAsync(Messages.Response(last: true));

        Assert.That(await rig.AccountAsync(), Is.EqualTo(account));
    }

    [Test]
    public async Task AnswerThatCannotBeWritten_LeavesTheBodyBehindItUnseen()
    {
        await using var rig = await ExtProcRig.StartAsync(new LambdaAgent("a"));
        await rig.AskAsync(Messages.Request(last: true, BodySendMode.None, BodySendMode.Buffered));
        rig.IsBroken = true;
        await rig.TellAsync(Messages.Response());

        Assert.That(await rig.EndAsync(), Is.EqualTo(ExtProcEnd.Gone));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("abandoned|client-gone"), "the agent wanted the body, and nothing has decided that it need not see it");
    }

    [Test]
    public async Task OutputThatFails_EndsTheStreamAsGone()
    {
        await using var rig = await ExtProcRig.StartAsync(new LambdaAgent("a"));
        rig.IsBroken = true;
        await rig.TellAsync(Messages.Request(last: true));

        Assert.That(await rig.EndAsync(), Is.EqualTo(ExtProcEnd.Gone));
        Assert.That(rig.Harness.Logs.Collector.GetSnapshot().Where(static entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Warning), Is.Empty);
    }

    [Test]
    public async Task BothDirections_DoNotWaitForEachOther()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var slow = new LambdaAgent("slow") { Supports = EventSet.RequestBodyChunk };
        slow.Answers = async (message, _) =>
        {
            if (message is RequestBodyChunkEvent)
            {
                await turn.Task;
            }

            return AgentResponse.Allow;
        };
        await using var other = new LambdaAgent("other") { Supports = EventSet.RequestHeaders | EventSet.ResponseHeaders };
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options, new HarnessOptions { Sequential = true }, slow, other);
        await rig.AskAsync(Messages.Request(request: BodySendMode.Streamed));
        for (var i = 0; i < 20; i++)
        {
            await rig.TellAsync(Messages.Body(Direction.Request, "piece"));
        }

        var response = await rig.AskAsync(Messages.Response(last: true));
        Assert.That(response.ResponseHeaders, Is.Not.Null, "while 20 pieces of the request wait");
        turn.SetResult();
        for (var i = 0; i < 20; i++)
        {
            Assert.That((await rig.NextAsync()).RequestBody, Is.Not.Null);
        }
    }
}
