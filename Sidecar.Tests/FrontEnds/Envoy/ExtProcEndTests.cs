using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Envoy;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.Envoy;

/// <summary>The ways a stream ends, and what the exchange comes to.</summary>
internal sealed class ExtProcEndTests
{
    [Test]
    public async Task StreamWithoutAMessage_IsNoExchange()
    {
        await using var rig = await ExtProcRig.StartAsync();

        Assert.That(await rig.CloseAsync(), Is.EqualTo(ExtProcEnd.Done));
        Assert.That(rig.Harness.Sums.Total("exchanges.received"), Is.Zero);
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
        Assert.That((await closing).Problem, Is.EqualTo(ExtProcProblem.None));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
        await agent.SeenAsync(3);
        Assert.That(agent.Seen[2], Is.TypeOf<RequestCompleteEvent>().With.Property(nameof(RequestCompleteEvent.Status)).EqualTo(404));
    }

    [Test]
    public async Task ResetAfterTheEndOfBothHalves_IsNotHeldAgainstTheExchange()
    {
        await using var rig = await ExtProcRig.StartAsync(new LambdaAgent("a"));
        await rig.AskAsync(Messages.Request(last: true));
        await rig.AskAsync(Messages.Response(last: true));
        await Eventually.TrueAsync(() => rig.Stream.IsIdle, TimeSpan.FromSeconds(30), "the lanes");
        rig.Stream.OnGone();

        Assert.That((await rig.EndAsync()).Problem, Is.EqualTo(ExtProcProblem.Gone));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
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
    public async Task ResponseWhileTheRequestIsStillAsked_Supersedes()
    {
        await using var agent = new LambdaAgent("a");
        agent.Answers = static async (message, cancellation) =>
        {
            if (message is RequestHeadersEvent)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            }

            return AgentResponse.Allow;
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.TellAsync(Messages.Request(last: true));
        await agent.SeenAsync(1);
        var answer = await rig.AskAsync(Messages.Response(last: true, status: "408"));

        Assert.That(answer.ImmediateResponse, Is.Not.Null, "nobody judged the request");
        Assert.That(await rig.AccountAsync(), Is.EqualTo("abandoned|superseded"));
    }

    [Test]
    public async Task OutputThatFails_EndsTheStreamAsGone()
    {
        await using var rig = await ExtProcRig.StartAsync(new LambdaAgent("a"));
        rig.IsBroken = true;
        await rig.TellAsync(Messages.Request(last: true));

        Assert.That((await rig.EndAsync()).Problem, Is.EqualTo(ExtProcProblem.Gone));
        Assert.That(rig.Harness.Logs.Record.Entries.Where(static entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Warning), Is.Empty);
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
