using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>A direction as a whole: pieces out of turn, agents that fail under a body, watchers, and the end.</summary>
public sealed class BodyPipelineTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [TestCase("open", CallOutcome.ConnectionLost, Cause.AgentCrash)]
    [TestCase("open", CallOutcome.TimedOut, Cause.Timeout)]
    [TestCase("closed", CallOutcome.ConnectionLost, Cause.AgentCrash)]
    [TestCase("closed", CallOutcome.TimedOut, Cause.Timeout)]
    public async Task AgentThatFailsAtTheSecondPiece_IsNotAskedAgain(string mode, object outcome, object cause)
    {
        var agent = new BodyAgent(
            "a", shown => shown.Number == 1 ? CallResult.Failed((CallOutcome)outcome, "gone") : CallResult.Answered(AgentResponse.Allow.NeedingMore()))
        {
            FailureMode = mode == "open" ? FailureMode.Open : FailureMode.Closed,
        };
        var other = new BodyAgent("b");
        await using var rig = await FlowRig.StartAsync(agent, other);
        var exchange = rig.Begin();
        var steps = new List<Step>();
        foreach (var (piece, end) in ((string, BodyEnd)[])[("abc", BodyEnd.More), ("def", BodyEnd.More), ("ghi", BodyEnd.Last)])
        {
            steps.Add(await rig.PushAsync(exchange, Encoding.ASCII.GetBytes(piece), end));
        }

        Assert.That(agent.Shown, Has.Count.EqualTo(2));
        if (mode == "open")
        {
            Assert.That(
                steps.Select(static step => (Encoding.ASCII.GetString(step.Released), step.Verdict.IsAllow)),
                Is.EqualTo(new[] { ("", true), ("abcdef", true), ("ghi", true) }));
            Assert.That(steps[2].Verdict.Cause, Is.EqualTo((Cause)cause), "each later piece says why");
            Assert.That(Encoding.ASCII.GetString(other.Bytes), Is.EqualTo("abcdefghi"));
            Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Bypassed, (Cause)cause)));
            Assert.That(rig.BytesOf("a"), Is.EqualTo((3L, 6L)), "a piece that was not judged is missed");
        }
        else
        {
            Assert.That(
                steps.Skip(1).Select(static step => (step.Verdict.Kind, step.Verdict.Cause, step.Released.Length)),
                Is.All.EqualTo((VerdictKind.FailedClosed, (Cause)cause, 0)));
            Assert.That(other.Shown, Is.Empty);
            Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Refused, (Cause)cause)));
        }
    }

    [Test]
    public async Task PieceThatNobodyChanged_IsEncodedOnceForAll()
    {
        var changing = new BodyAgent("b", static shown => shown.Number == 1 ? shown.Replace([7]) : CallResult.Answered(AgentResponse.Allow));
        BodyAgent[] agents = [new("a"), changing, new("c")];
        await using var rig = await FlowRig.StartAsync(agents);
        var exchange = rig.Begin();
        await rig.PushAsync(exchange, [1, 2, 3]);
        var frames = agents[0].Connection!.Frames;
        Assert.That(frames, Is.Not.Null);
        Assert.That(agents.Select(static agent => agent.Connection!.Frames), Is.All.SameAs(frames));
        await rig.PushAsync(exchange, [4, 5, 6]);
        Assert.That(agents.Select(static agent => agent.Connection!.Frames), Is.EqualTo(new[] { frames, frames, null }), "the last sees other bytes");
        await rig.PushAsync(exchange, [8], BodyEnd.Last);
        Assert.That(agents.Select(static agent => agent.Connection!.Frames), Is.All.Null, "what stands at a place is not the same for all any more");
        Assert.That(rig.Memory.Used, Is.Zero);
    }

    [Test]
    public void SharedFrames_AreOfOnePlaceInTheBody_AndTakeMemoryThatIsThere()
    {
        var memory = new ByteBudget(10_000, TimeProvider.System);
        var shared = new SharedFrames(memory);
        var piece = new RequestBodyChunkEvent { Data = new byte[100], BytesTransferred = 100 };
        var first = shared.For(piece, mayShare: true, isLast: false);
        Assert.That((first is not null, memory.Used), Is.EqualTo((true, 4296L)));
        Assert.That(shared.For(piece with { Data = new byte[100] }, mayShare: true, isLast: true), Is.SameAs(first));
        Assert.That(shared.For(piece with { IsLast = true }, mayShare: true, isLast: true), Is.Null);
        Assert.That(memory.Used, Is.Zero, "nobody comes after the last");
        Assert.That(shared.For(new RequestBodyChunkEvent { Data = new byte[3000] }, mayShare: true, isLast: false), Is.Null, "there is not so much");
        Assert.That(memory.Used, Is.Zero);
    }

    [Test]
    public async Task PiecesAtTheSameTime_AreTakenInTheOrderOfTheirPushes()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var agent = new BodyAgent("a") { Delay = turn.Task };
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        var steps = Enumerable.Range(0, 5).Select(i => rig.PushAsync(exchange, [(byte)i], i == 4 ? BodyEnd.Last : BodyEnd.More)).ToList();
        Assert.That(agent.Shown, Has.Count.EqualTo(1));
        turn.SetResult();
        var done = await Task.WhenAll(steps).WaitAsync(Limit, TimeProvider.System);
        Assert.That(agent.Bytes, Is.EqualTo(new byte[] { 0, 1, 2, 3, 4 }));
        Assert.That(done.Select(static step => step.Released.Single()), Is.EqualTo(new byte[] { 0, 1, 2, 3, 4 }));
    }

    [Test]
    public async Task PieceWhoseTurnDoesNotComeInTime_EndsTheDirection()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var agent = new BodyAgent("a") { Delay = turn.Task };
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        var first = rig.PushAsync(exchange, [1]);
        var late = rig.PushAsync(exchange, [2], deadline: rig.In(TimeSpan.FromSeconds(1)));
        rig.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await late.WaitAsync(Limit, TimeProvider.System)).Verdict.Cause, Is.EqualTo(Cause.Timeout));
        turn.SetResult();
        Assert.That((await first.WaitAsync(Limit, TimeProvider.System)).Released, Is.EqualTo(new byte[] { 1 }));
        var after = await rig.PushAsync(exchange, [3], BodyEnd.Last);
        Assert.That((after.Verdict.Kind, after.Released.Length), Is.EqualTo((VerdictKind.FailedClosed, 0)), "a hole is never jumped over");
        Assert.That(agent.Bytes, Is.EqualTo(new byte[] { 1 }));
        rig.Inspector.End(exchange);
        Assert.That(exchange.Account(), Is.EqualTo(new LedgerEntry(LedgerState.Refused, Cause.Timeout)));
    }

    [TestCase("Last")]
    [TestCase("Truncated")]
    public async Task PieceAfterTheEnd_IsRefused(string end)
    {
        var agent = new BodyAgent("a") { Body = new BodyPolicy { OnExcess = ExcessAction.Skip } };
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        Assert.That((await rig.PushAsync(exchange, [1], Enum.Parse<BodyEnd>(end))).Verdict.IsAllow, Is.True);
        var after = await rig.PushAsync(exchange, [2], BodyEnd.Last);
        Assert.That((after.Verdict.Cause, after.Released.Length), Is.EqualTo((Cause.Malformed, 0)));
    }

    [Test]
    public async Task DefectBelow_RefusesThePieceAndAllThatFollow()
    {
        var agent = new BodyAgent(
            "a", static shown => shown.Number == 1 ? throw new InvalidOperationException("a defect") : CallResult.Answered(AgentResponse.Allow.NeedingMore()));
        await using var rig = await FlowRig.StartAsync(new BodyAgent("b") { Body = new BodyPolicy { Mode = BodyMode.Hybrid, Threshold = 2 } }, agent);
        var exchange = rig.Begin();
        await rig.PushAsync(exchange, [1, 2]);
        var broken = await rig.PushAsync(exchange, [3]);
        var after = await rig.PushAsync(exchange, [4], BodyEnd.Last);
        Assert.That((broken.Verdict.Cause, after.Verdict.Cause, after.Released.Length), Is.EqualTo((Cause.Internal, Cause.Internal, 0)));
        Assert.That(agent.Shown, Has.Count.EqualTo(2));
        rig.Inspector.End(exchange);
        Assert.That(exchange.Account(), Is.EqualTo(new LedgerEntry(LedgerState.Refused, Cause.Internal)));
    }

    [Test]
    public async Task EndOfTheExchange_GivesBackWhatIsHeld()
    {
        var agent = new BodyAgent("a") { Body = new BodyPolicy { Mode = BodyMode.Buffer } };
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        await rig.PushAsync(exchange, new byte[5000]);
        await rig.PushAsync(exchange, new byte[100], direction: Direction.Response);
        Assert.That((rig.Memory.Used, agent.Budget.Used), Is.EqualTo((8192L + 4096, 8192L + 4096)));
        rig.Inspector.End(exchange);
        Assert.That((rig.Memory.Used, agent.Budget.Used), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public async Task EndWhileAPieceIsOnItsWay_WaitsForItAndThenGivesBack()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var agent = new BodyAgent("a", static _ => CallResult.Answered(AgentResponse.Allow.NeedingMore()));
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        await rig.PushAsync(exchange, [1]);
        agent.Delay = turn.Task;
        var pushing = rig.PushAsync(exchange, [2]);
        rig.Inspector.End(exchange);
        Assert.That(rig.Memory.Used, Is.EqualTo(4096));
        turn.SetResult();
        await pushing.WaitAsync(Limit, TimeProvider.System);
        Assert.That(rig.Memory.Used, Is.Zero);
        Assert.That((await rig.PushAsync(exchange, [3])).Verdict.Cause, Is.EqualTo(Cause.ExchangeUnknown));
    }

    [Test]
    public async Task Watcher_HoldsNothingOfTheMemoryThatExchangesWaitFor()
    {
        var watcher = new BodyAgent("w") { Mode = AgentMode.Monitor, Body = new BodyPolicy { Mode = BodyMode.Buffer, MaxBytes = long.MaxValue } };
        await using var rig = await FlowRig.StartAsync(4096, watcher, new BodyAgent("a"));
        var exchange = rig.Begin();
        for (var i = 0; i < 3; i++)
        {
            Assert.That((await rig.PushAsync(exchange, new byte[4096])).IsUnchanged, Is.True);
        }

        Assert.That((rig.Memory.Used, watcher.Budget.Used), Is.EqualTo((0L, 0L)));
        Assert.That(rig.Copies.Used, Is.GreaterThanOrEqualTo(3 * 4096));
        await rig.PushAsync(exchange, [], BodyEnd.Last);
        await Eventually.TrueAsync(() => watcher.Shown.Count == 1, Limit, "the watcher to be shown the body");
        Assert.That(watcher.Shown[0].Data, Has.Length.EqualTo(3 * 4096));
        await Eventually.TrueAsync(() => rig.Sums.Of("monitor.verdicts").Contains("w|would-allow=1"), Limit, "its verdict");
        Assert.That(rig.Sums.Of("monitor.verdicts"), Does.Contain("w|needs-more=3"));
    }

    [Test]
    public async Task SameBody_InAnyChunking_IsTheSameForAgentsThatSeeItWhole([Values(1, 2, 3, 7, 50, 200)] int size)
    {
        BodyAgent Whole(string id, string mark) =>
            new(
                id,
                shown => shown.IsLast ? shown.Replace([.. Encoding.ASCII.GetBytes(mark), .. shown.Data, .. "!"u8]) : CallResult.Answered(AgentResponse.Allow))
            {
                Body = new BodyPolicy { Mode = BodyMode.Buffer },
            };
        await using var rig = await FlowRig.StartAsync(Whole("a", "A:"), Whole("b", "B:"));
        var body = Enumerable.Range(0, 200).Select(static i => (byte)i).ToArray();
        var exchange = rig.Begin();
        var released = new List<byte>();
        foreach (var piece in body.Chunk(size))
        {
            released.AddRange((await rig.PushAsync(exchange, piece)).Released);
        }

        Assert.That(released, Is.Empty);
        released.AddRange((await rig.PushAsync(exchange, [], BodyEnd.Last)).Released);
        Assert.That(released, Is.EqualTo((byte[])[.. "B:A:"u8, .. body, .. "!!"u8]));
    }
}
