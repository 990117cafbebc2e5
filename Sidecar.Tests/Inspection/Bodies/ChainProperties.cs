using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>Any chunking of any body through any chain of agents releases exactly what the rules say, in order, once, within the memory there is.</summary>
public sealed class ChainProperties
{
    [FsCheck.NUnit.Property(MaxTest = 500, Arbitrary = [typeof(ChainCases)])]
    public async Task ReleasedBytes_AreThoseOfTheNaiveModel(AnyChain any)
    {
        var chain = any.Case;
        var agents = chain.Agents.Select(static (agent, i) => agent.Build(i)).ToArray();
        await using var rig = await FlowRig.StartAsync(chain.Memory, agents);
        var exchange = rig.Begin();
        var pushed = new List<byte>();
        var released = new List<byte>();
        Step? step = null;
        for (var i = 0; i < chain.Pieces.Length && step is not { Verdict.IsAllow: false }; i++)
        {
            var isEnd = i == chain.Pieces.Length - 1;
            byte[] piece = [.. chain.Body.Skip(pushed.Count).Take(chain.Pieces[i])];
            pushed.AddRange(piece);

            // A moment is enough for agents that answer at once, and no time to wait for memory that will not come.
            var total = chain.IsAnnounced && chain.End == BodyEnd.Last ? chain.Body.Length : (long?)null;
            step = await rig.PushAsync(exchange, piece, isEnd ? chain.End : BodyEnd.More, total, deadline: rig.Clock.GetTimestamp() + 1);
            released.AddRange(step.Released);

            Assert.That(rig.Memory.Used, Is.LessThanOrEqualTo(chain.Memory));
            Assert.That(agents.Select(static agent => agent.Budget.Limit - agent.Budget.Used), Has.All.GreaterThanOrEqualTo(0));
            if (!step.Verdict.IsAllow)
            {
                Assert.That(step.Released, Is.Empty);
                break;
            }

            var inputs = Inputs(exchange, chain, agents, [.. pushed]);
            Assert.That(released, Is.EqualTo(inputs[^1]), "everything that is judged, and nothing else");
            Assert.That(step.Progress.Pushed, Is.EqualTo(pushed.Count));
            Assert.That(step.Progress.Released, Is.EqualTo(released.Count));
            Assert.That(!step.IsUnchanged || step.Released.SequenceEqual(piece), Is.True, "unchanged means the very bytes");
            Assert.That(!step.Progress.IsPristine || pushed.Take(released.Count).SequenceEqual(released), Is.True, "pristine means a prefix");
            Assert.That(!isEnd || !step.Progress.IsHolding, Is.True, "nothing is held beyond the end");
        }

        CheckEvents(agents);
        if (step!.Verdict.IsAllow)
        {
            CheckWholeBody(exchange, chain, agents, [.. pushed]);
        }
        else
        {
            CheckRefusal(exchange, chain, agents, [.. pushed], step.Verdict);
        }
    }

    // What came to each stage, and at the end what came out of the last.
    private static List<byte[]> Inputs(Exchange exchange, ChainCase chain, BodyAgent[] agents, byte[] pushed)
    {
        List<byte[]> inputs = [pushed];
        for (var i = 0; i < agents.Length; i++)
        {
            var shown = agents[i].Shown;
            var hasDrawnBack = shown is [.., { Result.IsAnswered: false }] && chain.Agents[i].IsOpen;
            inputs.Add(NaiveStage.Output(inputs[^1], shown, exchange.BodyOf(Direction.Request)!.Stages[i].Passes, hasDrawnBack));
        }

        return inputs;
    }

    private static void CheckEvents(BodyAgent[] agents)
    {
        foreach (var agent in agents)
        {
            var sum = 0UL;
            foreach (var shown in agent.Shown)
            {
                sum += (ulong)shown.Data.Length;
                Assert.That(shown.Event.ChunkIndex, Is.EqualTo(shown.Number));
                Assert.That(shown.Event.BytesTransferred, Is.EqualTo(sum));
                Assert.That(shown.Data.Length, Is.LessThanOrEqualTo(agent.MaxEventBytes));
                Assert.That(shown.IsLast || shown.Data.Length > 0, Is.True, "only the last may be empty");
            }

            Assert.That(agent.Shown.SkipLast(1).Select(static shown => (shown.IsLast, shown.Result.IsAnswered)), Is.All.EqualTo((false, true)), "nothing after the last, nor after a hole");
        }
    }

    private static void CheckWholeBody(Exchange exchange, ChainCase chain, BodyAgent[] agents, byte[] pushed)
    {
        var inputs = Inputs(exchange, chain, agents, pushed);
        for (var i = 0; i < agents.Length; i++)
        {
            var (input, shown, policy, agent) = (inputs[i], agents[i].Shown, chain.Agents[i], agents[i]);
            var died = shown is [.., { Result.IsAnswered: false }];
            var entry = exchange.Participants[i].Of(Direction.Request);
            var isShort = entry.Cause == Cause.BodyMemory && (policy.Memory < 1 << 30 || chain.Memory < 1 << 30);
            var exceeds = input.Length > policy.Limit;
            var isAnnounced = chain.IsAnnounced && chain.End == BodyEnd.Last && chain.Body.Length > policy.Limit;
            var stage = exchange.BodyOf(Direction.Request)!.Stages[i];
            Assert.That(stage.Seen + stage.Missed, Is.EqualTo(input.Length), "every byte is accounted once");
            Assert.That(input.AsSpan().StartsWith(agent.Bytes), Is.True, "shown in order, once");
            if (died)
            {
                Assert.That(entry.State, Is.EqualTo(LedgerState.Bypassed));
                continue;
            }

            if (policy.OnExcess == ExcessAction.Partial)
            {
                Assert.That(agent.Bytes, Is.EqualTo(isShort ? agent.Bytes : input.Take((int)Math.Min(policy.Limit, input.Length))));
                Assert.That(shown is [.., { IsLast: true }] || (isShort && shown.Count == 0), Is.True);
                Assert.That(entry.State,
                    Is.EqualTo(isShort && agent.Bytes.Length == 0 ? LedgerState.Bypassed
                    : isShort || exceeds || (chain.End == BodyEnd.Truncated && input.Length > 0) ? LedgerState.Partly
                    : chain.End == BodyEnd.Truncated ? LedgerState.Bypassed : LedgerState.Inspected));
            }
            else if (isShort || exceeds || chain.End == BodyEnd.Truncated || (isAnnounced && entry.Cause == Cause.TooLarge))
            {
                Assert.That(policy.OnExcess, Is.EqualTo(ExcessAction.Skip));
                Assert.That(shown.Any(static one => one.IsLast), Is.False);
                Assert.That(entry.State, Is.EqualTo(LedgerState.Bypassed));
            }
            else
            {
                Assert.That(agent.Bytes, Is.EqualTo(input));
                Assert.That(shown[^1].IsLast, Is.True);
                Assert.That(entry, Is.EqualTo(new LedgerEntry(LedgerState.Inspected, Cause.None)));
            }
        }
    }

    private static void CheckRefusal(Exchange exchange, ChainCase chain, BodyAgent[] agents, byte[] pushed, Verdict verdict)
    {
        var i = Array.FindIndex(agents, agent => agent.Id == verdict.DecidedBy);
        Assert.That(i, Is.GreaterThanOrEqualTo(0), "an agent or its limits refused");
        var (policy, shown) = (chain.Agents[i], agents[i].Shown);
        switch (verdict.Cause)
        {
            case Cause.TooLarge when verdict.Kind == VerdictKind.FailedClosed:
                Assert.That(policy.OnExcess, Is.EqualTo(ExcessAction.Block));
                Assert.That(Math.Max(chain.Body.Length, i == 0 ? 0 : long.MaxValue), Is.GreaterThan(policy.Limit));
                break;
            case Cause.Truncated when verdict.Kind == VerdictKind.FailedClosed:
                Assert.That((policy.OnExcess, chain.End), Is.EqualTo((ExcessAction.Block, BodyEnd.Truncated)));
                break;
            case Cause.BodyMemory when verdict.Kind == VerdictKind.FailedClosed:
                Assert.That(policy.OnExcess, Is.EqualTo(ExcessAction.Block));
                Assert.That(Math.Min(policy.Memory, chain.Memory), Is.LessThan(1 << 30));
                break;
            default:
                Assert.That(NaiveStage.Stops(shown[^1], policy.IsOpen), Is.True);
                break;
        }

        Assert.That(exchange.BodyOf(Direction.Request)!.Stages.Select(static stage => stage.IsHolding), Is.All.False);
    }
}
