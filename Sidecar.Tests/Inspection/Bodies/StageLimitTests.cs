using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>Bodies that an agent is not to see whole: too large, cut by the proxy, or without memory; and how each excess action is accounted.</summary>
public sealed class StageLimitTests
{
    // The body is "abcdefgh" in pieces of 3, 3 and 2, the limit 8 or 7.
    [Test]
    public async Task ExactlyTheLimit_IsInspected(
        [Values("Buffer", "Stream", "Hybrid")] string mode, [Values("Block", "Skip", "Partial")] string action, [Values] bool isAnnounced, [Values] bool isAgents)
    {
        var (agent, rig, exchange, steps) = await PushAsync(mode, action, 8, isAnnounced ? 8 : null, BodyEnd.Last, isAgents);
        await using (rig)
        {
            Assert.That(steps.Select(static step => step.Verdict.IsAllow), Is.All.True);
            Assert.That(Released(steps), Is.EqualTo("abcdefgh"));
            Assert.That((agent.Shown.Count(static one => one.IsLast), Encoding.ASCII.GetString(agent.Bytes)), Is.EqualTo((1, "abcdefgh")));
            Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Inspected, Cause.None)));
            Assert.That(rig.BytesOf("a"), Is.EqualTo((8L, 0L)));
        }
    }

    [Test]
    public async Task AByteMore_Blocked_IsRefusedWithTooLarge([Values("Buffer", "Stream", "Hybrid")] string mode, [Values] bool isAnnounced, [Values] bool isAgents)
    {
        var (agent, rig, exchange, steps) = await PushAsync(mode, "Block", 7, isAnnounced ? 8 : null, BodyEnd.Last, isAgents);
        await using (rig)
        {
            var last = steps[^1];
            Assert.That(
                (last.Verdict.Kind, last.Verdict.Cause, last.Verdict.DecidedBy, last.Released.Length),
                Is.EqualTo((VerdictKind.FailedClosed, Cause.TooLarge, "a", 0)));
            Assert.That(steps, Has.Count.EqualTo(isAnnounced ? 1 : 3), "refused as soon as it is known");
            Assert.That(agent.Shown.Count, Is.EqualTo(isAnnounced || mode == "Buffer" ? 0 : mode == "Stream" ? 2 : 1));
            Assert.That(ReplyRenderer.Render(last.Verdict).Status, Is.EqualTo(413));
            Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Refused, Cause.TooLarge)));
        }
    }

    [Test]
    public async Task AByteMore_Skipped_PassesAndIsBypassed([Values("Buffer", "Stream", "Hybrid")] string mode, [Values] bool isAnnounced, [Values] bool isAgents)
    {
        var (agent, rig, exchange, steps) = await PushAsync(mode, "Skip", 7, isAnnounced ? 8 : null, BodyEnd.Last, isAgents);
        await using (rig)
        {
            Assert.That(Released(steps), Is.EqualTo("abcdefgh"));
            Assert.That((steps[^1].Verdict.IsAllow, steps[^1].Verdict.Cause, steps[^1].Progress.WantsMore), Is.EqualTo((true, Cause.TooLarge, false)));
            Assert.That(agent.Shown.Any(static one => one.IsLast), Is.False);
            var seen = isAnnounced || mode == "Buffer" ? 0 : 6;
            Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Bypassed, Cause.TooLarge)));
            Assert.That(rig.BytesOf("a"), Is.EqualTo(((long)seen, 8L - seen)), "what was collected and never shown is missed too");
        }
    }

    [Test]
    public async Task AByteMore_Partial_ShowsWhatFitsAndIsPartly([Values("Buffer", "Stream", "Hybrid")] string mode, [Values] bool isAnnounced, [Values] bool isAgents)
    {
        var (agent, rig, exchange, steps) = await PushAsync(mode, "Partial", 7, isAnnounced ? 8 : null, BodyEnd.Last, isAgents);
        await using (rig)
        {
            Assert.That(Released(steps), Is.EqualTo("abcdefgh"));
            Assert.That((steps[^1].Verdict.IsAllow, steps[^1].Verdict.Cause), Is.EqualTo((true, Cause.TooLarge)));
            Assert.That((agent.Shown.Count(static one => one.IsLast), Encoding.ASCII.GetString(agent.Bytes)), Is.EqualTo((1, "abcdefg")));
            Assert.That(agent.Shown[^1].Event.TotalSize, Is.EqualTo(isAnnounced ? 8UL : null), "never the size of what fits");
            Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Partly, Cause.TooLarge)));
            Assert.That(rig.BytesOf("a"), Is.EqualTo((7L, 1L)));
        }
    }

    [Test]
    public async Task LimitAtAPiecesEnd_Partial_ClosesWithAnEmptyLastPiece()
    {
        var (agent, rig, exchange, steps) = await PushAsync("Stream", "Partial", 6, null, BodyEnd.Last);
        await using (rig)
        {
            Assert.That(agent.Shown.Select(static one => (one.Data.Length, one.IsLast)), Is.EqualTo(new[] { (3, false), (3, false), (0, true) }));
            Assert.That(Released(steps), Is.EqualTo("abcdefgh"));
            Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Partly, Cause.TooLarge)));
        }
    }

    [TestCase("Buffer")]
    [TestCase("Stream")]
    public async Task OnlyPieceIsTooLarge_Partial_DoesNotSayThatItsPartIsAll(string mode)
    {
        var agent = new BodyAgent("a") { Body = new BodyPolicy { Mode = Enum.Parse<BodyMode>(mode), MaxBytes = 5, OnExcess = ExcessAction.Partial } };
        await using var rig = await FlowRig.StartAsync(agent);
        var step = await rig.PushAsync(rig.Begin(), new byte[8], BodyEnd.Last);
        Assert.That(
            (agent.Shown.Single().Data.Length, agent.Shown[0].IsLast, agent.Shown[0].Event.TotalSize, step.Released.Length),
            Is.EqualTo((5, true, (ulong?)null, 8)));
    }

    [Test]
    public async Task PartThatIsBad_Blocks([Values("Buffer", "Stream", "Hybrid")] string mode)
    {
        var (_, rig, exchange, steps) = await PushAsync(
            mode, "Partial", 7, null, BodyEnd.Last, answer: static shown => shown.IsLast ? CallResult.Answered(Answer.Block()) : More());
        await using (rig)
        {
            Assert.That((steps[^1].Verdict.Kind, Released(steps)), Is.EqualTo((VerdictKind.Block, "")));
            Assert.That(rig.AccountOf(exchange, "a").State, Is.EqualTo(LedgerState.Inspected));
        }
    }

    [TestCase("Truncated", null)]
    [TestCase("Last", 9L)]
    public async Task CutBody_IsNeverTakenForAWholeOne(string end, long? total)
    {
        foreach (var mode in (string[])["Buffer", "Stream", "Hybrid"])
        {
            var (blocking, rig, exchange, steps) = await PushAsync(mode, "Block", 100, total, Enum.Parse<BodyEnd>(end));
            await using (rig)
            {
                Assert.That((steps[^1].Verdict.Kind, steps[^1].Verdict.Cause), Is.EqualTo((VerdictKind.FailedClosed, Cause.Truncated)));
                Assert.That(blocking.Shown.Any(static one => one.IsLast), Is.False);
                Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Refused, Cause.Truncated)));
            }

            (var skipped, rig, exchange, steps) = await PushAsync(mode, "Skip", 100, total, Enum.Parse<BodyEnd>(end));
            await using (rig)
            {
                Assert.That(Released(steps), Is.EqualTo("abcdefgh"));
                Assert.That(skipped.Shown.Any(static one => one.IsLast), Is.False);
                Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Bypassed, Cause.Truncated)));
            }

            (var partly, rig, exchange, steps) = await PushAsync(mode, "Partial", 100, total, Enum.Parse<BodyEnd>(end));
            await using (rig)
            {
                Assert.That(Released(steps), Is.EqualTo("abcdefgh"));
                Assert.That(partly.Shown[^1].IsLast, Is.True);
                Assert.That(partly.Shown[^1].Event.TotalSize, Is.EqualTo((ulong?)total));
                Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo((LedgerState.Partly, Cause.Truncated)));
            }
        }
    }

    [Test]
    public async Task SizeAnnouncedOnce_IsRemembered_AndOneThatIsOutgrownForgotten()
    {
        var agent = new BodyAgent("a") { Body = new BodyPolicy { Mode = BodyMode.Stream } };
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        await rig.PushAsync(exchange, new byte[5], BodyEnd.More, total: 10);
        var cut = await rig.PushAsync(exchange, new byte[4], BodyEnd.Last);
        Assert.That(cut.Verdict.Cause, Is.EqualTo(Cause.Truncated));

        exchange = rig.Begin();
        await rig.PushAsync(exchange, new byte[5], BodyEnd.More, total: 5);
        var more = await rig.PushAsync(exchange, new byte[4], BodyEnd.Last);
        Assert.That(more.Verdict.IsAllow, Is.True);
        Assert.That(agent.Shown.TakeLast(2).Select(static one => one.Event.TotalSize), Is.EqualTo(new ulong?[] { 5, null }));
    }

    [TestCase("Buffer", 4096, "Block", LedgerState.Refused, 0, 0)]
    [TestCase("Buffer", 4096, "Skip", LedgerState.Bypassed, 0, 6000)]
    [TestCase("Buffer", 4096, "Partial", LedgerState.Partly, 3000, 3000)]
    [TestCase("Buffer", 1, "Partial", LedgerState.Bypassed, 0, 6000)]
    [TestCase("Stream", 4096, "Block", LedgerState.Refused, 6000, 0)]
    [TestCase("Stream", 4096, "Skip", LedgerState.Bypassed, 6000, 0)]
    [TestCase("Stream", 4096, "Partial", LedgerState.Partly, 6000, 0)]
    public async Task NoMemoryInTime_IsAnExcess(string mode, int memory, string action, object state, int seen, int missed)
    {
        foreach (var isAgents in (bool[])[true, false])
        {
            var agent = new BodyAgent("a", static shown => shown.IsLast ? CallResult.Answered(AgentResponse.Allow) : More())
            {
                Body = new BodyPolicy { Mode = Enum.Parse<BodyMode>(mode), OnExcess = Enum.Parse<ExcessAction>(action) },
                Memory = isAgents ? memory : 1 << 30,
            };
            await using var rig = await FlowRig.StartAsync(isAgents ? 1 << 30 : memory, agent);
            var exchange = rig.Begin();
            var body = Enumerable.Range(0, 6000).Select(static i => (byte)i).ToArray();
            var soon = rig.Clock.GetTimestamp() + 1;
            var steps = new List<Step> { await rig.PushAsync(exchange, body[..3000], deadline: soon) };
            if (memory > 1 || action != "Block")
            {
                steps.Add(await rig.PushAsync(exchange, body[3000..], deadline: soon));
            }

            steps.Add(await rig.PushAsync(exchange, [], BodyEnd.Last, deadline: soon));
            Assert.That(steps[^1].Verdict.IsAllow, Is.EqualTo(action != "Block"));
            Assert.That(steps.SelectMany(static step => step.Released), Is.EqualTo(action == "Block" ? [] : body));
            Assert.That(rig.AccountOf(exchange, "a"), Is.EqualTo(((LedgerState)state, Cause.BodyMemory)));
            Assert.That(rig.BytesOf("a"), Is.EqualTo(((long)seen, (long)missed)));
            Assert.That(agent.Shown.Count(static one => one.IsLast), Is.EqualTo(action == "Partial" && memory > 1 ? 1 : 0));
        }
    }

    [Test]
    public async Task KnownSize_ReservesItsMemoryWithTheFirstPiece()
    {
        var agent = new BodyAgent("a") { Body = new BodyPolicy { Mode = BodyMode.Buffer, MaxBytes = 1 << 20 } };
        await using var rig = await FlowRig.StartAsync(agent);
        await rig.PushAsync(rig.Begin(), new byte[10], total: 500_000);
        Assert.That(rig.Memory.Used, Is.EqualTo(1 << 19));
        await rig.PushAsync(rig.Begin(), new byte[10]);
        Assert.That(rig.Memory.Used, Is.EqualTo((1 << 19) + 4096));
    }

    [Test]
    public async Task WaitingForMemory_LeavesHalfOfTheTimeToTheAgents()
    {
        var agent = new BodyAgent("a") { Body = new BodyPolicy { Mode = BodyMode.Buffer, OnExcess = ExcessAction.Skip }, Memory = 4096 };
        var other = new BodyAgent("b") { Body = new BodyPolicy { Mode = BodyMode.Stream } };
        await using var rig = await FlowRig.StartAsync(agent, other);
        await rig.PushAsync(rig.Begin(), new byte[10]);
        var waiting = rig.PushAsync(rig.Begin(), new byte[10], deadline: rig.In(TimeSpan.FromSeconds(10)));
        rig.Clock.AdvanceTicks(TimeSpan.FromSeconds(5).Ticks - 1);
        Assert.That((waiting.IsCompleted, agent.Budget.Waiting), Is.EqualTo((false, 1)), "a tick before");
        rig.Clock.AdvanceTicks(1);
        var step = await waiting.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        Assert.That((step.Verdict.IsAllow, step.Verdict.Cause, step.Released.Length), Is.EqualTo((true, Cause.BodyMemory, 10)));
        Assert.That(other.Shown.Single().Result.IsAnswered, Is.True);
    }

    private static CallResult More() => CallResult.Answered(AgentResponse.Allow.NeedingMore());

    private static string Released(IEnumerable<Step> steps) => string.Concat(steps.Select(static step => Encoding.ASCII.GetString(step.Released)));

    private static async Task<(BodyAgent Agent, FlowRig Rig, Exchange Exchange, List<Step> Steps)> PushAsync(
        string mode, string action, long limit, long? total, BodyEnd end, bool isAgents = false, Func<Shown, CallResult>? answer = null)
    {
        var agent = new BodyAgent("a", answer)
        {
            Body = new BodyPolicy
            {
                Mode = Enum.Parse<BodyMode>(mode),
                Threshold = 4,
                OnExcess = Enum.Parse<ExcessAction>(action),
                MaxBytes = isAgents ? 1000 : limit,
            },
            MaxBodyBytes = isAgents ? limit : 1000,
        };
        var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        var steps = new List<Step>();
        foreach (var (piece, ends) in ((string, BodyEnd)[])[("abc", BodyEnd.More), ("def", BodyEnd.More), ("gh", end)])
        {
            steps.Add(await rig.PushAsync(exchange, Encoding.ASCII.GetBytes(piece), ends, total));
            if (!steps[^1].Verdict.IsAllow)
            {
                break;
            }
        }

        return (agent, rig, exchange, steps);
    }
}
