using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>Every mode, both directions, against what agents can do; an Envoy that knows its rules applies the answers.</summary>
internal sealed class ExtProcModeTests
{
    private const BodySendMode None = BodySendMode.None;
    private const BodySendMode Streamed = BodySendMode.Streamed;
    private const BodySendMode Buffered = BodySendMode.Buffered;
    private const BodySendMode Partial = BodySendMode.BufferedPartial;
    private const BodySendMode Duplex = BodySendMode.FullDuplexStreamed;

    private static readonly string[] Pieces = ["one,", "two,", "three"];

    [Test]
    public async Task Allow_EverythingPassesAsItCame(
        [Values(None, Streamed, Buffered, Partial, Duplex)] BodySendMode mode, [Values] BodyMode shown, [Values] bool trailers)
    {
        await using var agent = Agent(mode, shown, static _ => AgentResponse.Allow);
        await using var rig = await ExtProcRig.StartAsync(agent);
        var envoy = new FakeEnvoy(rig, mode);
        var (request, response) = await TransactAsync(envoy, trailers);
        if (trailers && (mode, shown) == (Streamed, BodyMode.Buffer))
        {
            Assert.That((request, envoy.Reply?.Status.Code), Is.EqualTo(((Passed?)null, 503)), "trailers carry no bytes, so what was held until the end cannot go on");
            Assert.That(rig.Harness.Sums.Of("operations.unapplied"), Is.EqualTo(new[] { "envoy|request-body=1" }));
            Assert.That(await rig.AccountAsync(), Is.EqualTo("refused|unapplied"));
            return;
        }

        var edits = mode is Streamed or Partial or Duplex ? "-content-length" : "";
        Assert.That((request!.Body, response!.Body), Is.EqualTo(("one,two,three", "one,two,three")));
        Assert.That((request.Edits, response.Edits), Is.EqualTo((edits, edits)));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
        var seen = mode == None ? "" : "one,two,three";
        Assert.That((BodySeen<RequestBodyChunkEvent>(agent), BodySeen<ResponseBodyChunkEvent>(agent)), Is.EqualTo((seen, seen)));
        if (mode != None)
        {
            Assert.That(agent.Seen.OfType<BodyChunkEvent>().Count(static piece => piece.IsLast), Is.EqualTo(2), "each body ends once");
        }
    }

    [Test]
    public async Task HeaderEdits_AreCarried([Values(None, Streamed, Buffered, Partial, Duplex)] BodySendMode mode)
    {
        await using var agent = Agent(None, BodyMode.Stream, static message => message switch
        {
            RequestHeadersEvent => new AgentResponse
            {
                RequestHeaders = [
                    HeaderOperation.Set("a", "1"), HeaderOperation.Add("b", "2"), HeaderOperation.Remove("c"), HeaderOperation.Set("d", "3"),
                    HeaderOperation.Add("d", "4")],
                ResponseHeaders = [HeaderOperation.Set("x", "early"), HeaderOperation.Add("y", "early")],
            },
            ResponseHeadersEvent => new AgentResponse { ResponseHeaders = [HeaderOperation.Set("x", "late"), HeaderOperation.Add("y", "late")] },
            _ => AgentResponse.Allow,
        });
        await using var rig = await ExtProcRig.StartAsync(agent);
        var (request, response) = await TransactAsync(new FakeEnvoy(rig, mode), trailers: false);

        Assert.That(request!.Edits, Is.EqualTo("-c a=1 b+2 d=3 d+4"));
        Assert.That(response!.Edits, Is.EqualTo("x=late y+early y+late"), "what was decided about the request comes first");
        Assert.That((request.Body, response.Body), Is.EqualTo(("one,two,three", "one,two,three")));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
        Assert.That(rig.Harness.Sums.Sum("operations.unapplied"), Is.Zero);
    }

    [TestCase(Streamed, BodyMode.Stream, "<>one,<>two,<>three", "-content-length")]
    [TestCase(Streamed, BodyMode.Buffer, "<>one,two,three", "-content-length")]
    [TestCase(Buffered, BodyMode.Stream, "<>one,two,three", "content-length=15")]
    [TestCase(Buffered, BodyMode.Buffer, "<>one,two,three", "content-length=15")]
    [TestCase(Partial, BodyMode.Buffer, "<>one,two,three", "-content-length")]
    [TestCase(Duplex, BodyMode.Stream, "<>one,<>two,<>three", "-content-length")]
    [TestCase(Duplex, BodyMode.Buffer, "<>one,two,three", "-content-length")]
    public async Task Replaced_TheNewBytesGoOn(BodySendMode mode, BodyMode shown, string expected, string edits)
    {
        await using var agent = Agent(mode, shown, static message => Mutated(message, static text => "<>" + text));
        await using var rig = await ExtProcRig.StartAsync(agent);
        var (request, response) = await TransactAsync(new FakeEnvoy(rig, mode), trailers: false);

        Assert.That((request!.Body, response!.Body), Is.EqualTo((expected, expected)));
        Assert.That((request.Edits, response.Edits), Is.EqualTo((edits, edits)));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    [TestCase(Streamed, "-content-length")]
    [TestCase(Buffered, "content-length=0")]
    [TestCase(Partial, "-content-length")]
    [TestCase(Duplex, "-content-length")]
    public async Task Dropped_NothingGoesOn(BodySendMode mode, string edits)
    {
        await using var agent = Agent(mode, BodyMode.Stream, static message => Mutated(message, static _ => ""));
        await using var rig = await ExtProcRig.StartAsync(agent);
        var (request, response) = await TransactAsync(new FakeEnvoy(rig, mode), trailers: false);

        Assert.That((request!.Body, response!.Body), Is.EqualTo(("", "")));
        Assert.That((request.Edits, response.Edits), Is.EqualTo((edits, edits)));
    }

    [Test]
    public async Task Block_IsAnsweredInEachPhase(
        [Values(Streamed, Buffered, Partial, Duplex)] BodySendMode mode,
        [Values(EventKind.RequestHeaders, EventKind.RequestBodyChunk, EventKind.ResponseHeaders, EventKind.ResponseBodyChunk)] EventKind when,
        [Values(BodyMode.Stream, BodyMode.Buffer)] BodyMode shown,
        [Values] bool trailers)
    {
        await using var agent = Agent(
            mode, shown, message => EventKinds.Of(message.Type) == when ? new AgentResponse { Decision = new BlockDecision(418, "no") } : AgentResponse.Allow);
        await using var rig = await ExtProcRig.StartAsync(agent);
        var envoy = new FakeEnvoy(rig, mode);
        var (request, response) = await TransactAsync(envoy, trailers && (mode, shown) != (Streamed, BodyMode.Buffer));

        Assert.That((request is null, response), Is.EqualTo((when is EventKind.RequestHeaders or EventKind.RequestBodyChunk, (Passed?)null)));
        Assert.That((envoy.Reply!.Status.Code, envoy.Reply.Body.ToStringUtf8(), envoy.Reply.Details), Is.EqualTo((418, "no", "sidecar_block_a")));
        Assert.That(envoy.Reply.Headers.Text(), Does.Contain("cache-control=no-store"));
        Assert.That(await rig.EndAsync(), Is.EqualTo(Daemon.FrontEnds.ExtProc.ExtProcEnd.Done), "the stream ends with the reply");
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    [Test]
    public async Task Block_WhenTrailersEndTheBody([Values(Streamed, Duplex)] BodySendMode mode, [Values] Direction direction)
    {
        await using var agent = Agent(mode, BodyMode.Stream, message =>
            message is BodyChunkEvent { IsLast: true } && Of(message) == direction ? Answer.Block(418) : AgentResponse.Allow);
        await using var rig = await ExtProcRig.StartAsync(agent);
        var envoy = new FakeEnvoy(rig, mode);
        await TransactAsync(envoy, trailers: true);

        Assert.That(envoy.Reply?.Status.Code, Is.EqualTo(418));
        Assert.That(agent.Seen.OfType<BodyChunkEvent>().Last().Data.Length, Is.Zero, "the trailers are an empty last piece");
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    [Test]
    public async Task FailureOpen_EverythingPassesAndIsCounted(
        [Values(None, Streamed, Buffered, Partial, Duplex)] BodySendMode mode, [Values(BodyMode.Stream, BodyMode.Buffer)] BodyMode shown, [Values] bool absent)
    {
        await using var agent = Agent(
            mode, shown, static message => message is BodyChunkEvent ? throw new InvalidOperationException("bodies are too much for me") : AgentResponse.Allow, FailureMode.Open, absent);
        await using var rig = await ExtProcRig.StartAsync(agent);
        var (request, response) = await TransactAsync(new FakeEnvoy(rig, mode), trailers: false);

        Assert.That((request!.Body, response!.Body), Is.EqualTo(("one,two,three", "one,two,three")));
        Assert.That(await rig.AccountAsync(), Is.EqualTo(absent ? "bypassed|agent-absent" : mode == None ? "inspected|none" : "bypassed|agent-error"));
    }

    [Test]
    public async Task FailureClosed_NothingPasses(
        [Values(None, Streamed, Buffered, Partial, Duplex)] BodySendMode mode, [Values(BodyMode.Stream, BodyMode.Buffer)] BodyMode shown, [Values] bool absent)
    {
        await using var agent = Agent(
            mode, shown, static message => message is ResponseBodyChunkEvent ? throw new InvalidOperationException("bodies are too much for me") : AgentResponse.Allow,
            FailureMode.Closed, absent);
        await using var rig = await ExtProcRig.StartAsync(agent);
        var envoy = new FakeEnvoy(rig, mode);
        var (request, response) = await TransactAsync(envoy, trailers: false);
        if (mode == None && !absent)
        {
            Assert.That(response?.Body, Is.EqualTo("one,two,three"), "it is not asked about bodies");
            return;
        }

        Assert.That((request is null, response), Is.EqualTo((absent, (Passed?)null)));
        Assert.That(envoy.Reply!.Status.Code, Is.EqualTo(503));
        Assert.That(await rig.AccountAsync(), Is.EqualTo(absent ? "refused|agent-absent" : "refused|agent-error"));
    }

    [Test]
    public async Task ClientGone_CancelsWhatIsAsked(
        [Values(Streamed, Buffered, Partial, Duplex)] BodySendMode mode,
        [Values(EventKind.RequestHeaders, EventKind.RequestBodyChunk, EventKind.ResponseHeaders, EventKind.ResponseBodyChunk)] EventKind when)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var agent = Agent(mode, BodyMode.Stream, static _ => AgentResponse.Allow);
        agent.Answers = async (message, cancellation) =>
        {
            if (EventKinds.Of(message.Type) == when)
            {
                asked.TrySetResult();
                await using var registration = cancellation.Register(() => cancelled.TrySetResult());
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            }

            return AgentResponse.Allow;
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        var transaction = TransactAsync(new FakeEnvoy(rig, mode), trailers: false);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        rig.Stream.OnGone();

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        Assert.That(await rig.AccountAsync(), Is.EqualTo("abandoned|client-gone"));
        Assert.That(transaction.IsCompleted, Is.False, "nothing was answered after it");
    }

    private static async Task<(Passed? Request, Passed? Response)> TransactAsync(FakeEnvoy envoy, bool trailers)
    {
        var request = await envoy.SendAsync(Direction.Request, Pieces, trailers, ("content-length", "13"));
        return (request, request is null ? null : await envoy.SendAsync(Direction.Response, Pieces, trailers, ("content-length", "13")));
    }

    // In mode NONE an agent that wanted bodies would make every body a truncated one.
    private static LambdaAgent Agent(
        BodySendMode mode, BodyMode shown, Func<AgentEvent, AgentResponse> answers, FailureMode failure = FailureMode.Closed, bool absent = false) => new("a")
        {
            IsAbsent = absent,
            Answers = (message, _) => new(answers(message)),
            Policy = LambdaAgent.PolicyOf(failure) with
            {
                Events = mode == None ? EventSet.RequestHeaders | EventSet.ResponseHeaders : EventSet.All & ~EventSet.RequestComplete,
                RequestBody = new BodyPolicy { Mode = shown, Threshold = 6 },
                ResponseBody = new BodyPolicy { Mode = shown, Threshold = 6 },
            },
        };

    private static AgentResponse Mutated(AgentEvent message, Func<string, string> change) => message switch
    {
        RequestBodyChunkEvent piece => new AgentResponse { RequestBodyMutation = Mutation(piece, change) },
        ResponseBodyChunkEvent piece => new AgentResponse { ResponseBodyMutation = Mutation(piece, change) },
        _ => AgentResponse.Allow,
    };

    private static BodyMutation Mutation(BodyChunkEvent piece, Func<string, string> change) =>
        new(System.Text.Encoding.UTF8.GetBytes(change(Events.Text(piece.Data))), piece.ChunkIndex);

    private static Direction Of(AgentEvent message) => message is ResponseBodyChunkEvent ? Direction.Response : Direction.Request;

    private static string BodySeen<T>(LambdaAgent agent)
        where T : BodyChunkEvent => string.Concat(agent.Seen.OfType<T>().Select(static piece => Events.Text(piece.Data)));
}
