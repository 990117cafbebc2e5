using FsCheck;
using FsCheck.Fluent;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>A chain as the parameter of a public test.</summary>
public sealed class AnyChain
{
    internal AnyChain(ChainCase chain) => Case = chain;

    internal ChainCase Case { get; }

    public override string ToString() => Case.ToString();
}

/// <summary>A body, how it is cut, and the agents it meets.</summary>
/// <param name="Pieces">The sizes of its pieces.</param>
/// <param name="End">How it ends.</param>
/// <param name="IsAnnounced">Whether its size is said with the first piece.</param>
/// <param name="Memory">The bytes that may be held for all agents.</param>
/// <param name="Agents">The agents in route order.</param>
internal sealed record ChainCase(int[] Pieces, BodyEnd End, bool IsAnnounced, long Memory, AgentCase[] Agents)
{
    /// <summary>The whole body, every byte unlike its neighbours.</summary>
    public byte[] Body => [.. Enumerable.Range(0, Pieces.Sum()).Select(static i => (byte)(i * 7))];

    public override string ToString() =>
        $"pieces {string.Join('+', Pieces)} {End}{(IsAnnounced ? ", announced" : "")}, memory {Memory}: {string.Join(" > ", (object[])Agents)}";
}

/// <summary>An agent of a chain.</summary>
/// <param name="Mode">How it is shown the body.</param>
/// <param name="Threshold">Of hybrid mode.</param>
/// <param name="Limit">Largest body it is shown.</param>
/// <param name="OnExcess">What happens beyond.</param>
/// <param name="Event">Most bytes of one event.</param>
/// <param name="IsOpen">Its failure mode.</param>
/// <param name="Memory">The bytes that may be held for it.</param>
/// <param name="Script">What it does with its pieces, over and over.</param>
internal sealed record AgentCase(BodyMode Mode, int Threshold, long Limit, ExcessAction OnExcess, int Event, bool IsOpen, long Memory, Act[] Script)
{
    public override string ToString() =>
        $"[{Mode} {Threshold}, limit {Limit} {OnExcess}, event {Event}, {(IsOpen ? "open" : "closed")}, memory {Memory}: {string.Join(' ', Script)}]";

    /// <summary>The agent, ready for a rig.</summary>
    public BodyAgent Build(int number) => new($"a{number}", Answer)
    {
        Body = new BodyPolicy { Mode = Mode, Threshold = Threshold, MaxBytes = Limit, OnExcess = OnExcess },
        FailureMode = IsOpen ? FailureMode.Open : FailureMode.Closed,
        MaxEventBytes = Event,
        Memory = Memory,
    };

    private CallResult Answer(Shown shown) => Script[shown.Number % Script.Length] switch
    {
        Act.Drop => shown.Replace([]),
        Act.Replace => shown.Replace([.. shown.Data.Select(static b => (byte)~b), .. "!"u8]),
        Act.NeedMore => CallResult.Answered(AgentResponse.Allow.NeedingMore()),
        Act.NeedMoreAndReplace => shown.Replace([.. "<"u8, .. shown.Data, .. ">"u8], needsMore: true),
        Act.Whole => shown.IsLast ? shown.Replace("whole"u8.ToArray(), 0) : CallResult.Answered(AgentResponse.Allow.NeedingMore()),
        Act.Misplace => shown.Replace("misplaced"u8.ToArray(), shown.Event.ChunkIndex + 1),
        Act.Block => CallResult.Answered(Protocol.Sdk.Answer.Block()),
        Act.ProvisionalBlock => CallResult.Answered(Protocol.Sdk.Answer.Block().NeedingMore()),
        Act.Die => CallResult.Failed(CallOutcome.ConnectionLost, "died"),
        Act.Hang => CallResult.Failed(CallOutcome.TimedOut, "slow"),
        _ => CallResult.Answered(AgentResponse.Allow),
    };
}

/// <summary>What an agent does with a piece.</summary>
internal enum Act
{
    Pass,
    Drop,
    Replace,
    NeedMore,
    NeedMoreAndReplace,
    Whole,
    Misplace,
    Block,
    ProvisionalBlock,
    Die,
    Hang,
}

/// <summary>Random chains, small ones, with limits and budgets that are met now and then.</summary>
public static class ChainCases
{
    private static readonly Gen<Act> Acts = Gen.Frequency(
        (6, Gen.Constant(Act.Pass)),
        (2, Gen.Constant(Act.Drop)),
        (3, Gen.Constant(Act.Replace)),
        (6, Gen.Constant(Act.NeedMore)),
        (2, Gen.Constant(Act.NeedMoreAndReplace)),
        (2, Gen.Constant(Act.Whole)),
        (1, Gen.Constant(Act.Misplace)),
        (1, Gen.Elements(Act.Block, Act.ProvisionalBlock)),
        (1, Gen.Elements(Act.Die, Act.Hang)));

    private static readonly Gen<Act[]> Scripts = Gen.Frequency(
        (1, Gen.Constant(new[] { Act.Pass })),
        (2, Gen.Constant(new[] { Act.Whole })),
        (4, from length in Gen.Choose(1, 6) from acts in Acts.ArrayOf(length) select acts));

    private static readonly Gen<long> Budgets = Gen.Frequency((3, Gen.Constant(1L << 30)), (1, Gen.Elements(1L, 4096, 8192, 12288)));

    private static readonly Gen<AgentCase> Agents =
        from mode in Gen.Elements(BodyMode.Buffer, BodyMode.Stream, BodyMode.Hybrid)
        from threshold in Gen.Choose(1, 100)
        from limit in Gen.Frequency((2, Gen.Constant(long.MaxValue)), (1, Gen.Choose(1, 200).Select(static n => (long)n)))
        from excess in Gen.Elements(ExcessAction.Block, ExcessAction.Skip, ExcessAction.Partial)
        from most in Gen.Elements(1, 7, 16, 50, 1 << 20)
        from open in Gen.Elements(true, false)
        from memory in Budgets
        from script in Scripts
        select new AgentCase(mode, threshold, limit, excess, most, open, memory, script);

    public static Arbitrary<AnyChain> Any() => (
        from pieces in Gen.Choose(0, 60).ArrayOf()
        from end in Gen.Frequency((4, Gen.Constant(BodyEnd.Last)), (1, Gen.Constant(BodyEnd.Truncated)))
        from announced in Gen.Elements(true, false)
        from memory in Budgets
        from count in Gen.Choose(1, 4)
        from agents in Agents.ArrayOf(count)
        select new AnyChain(new ChainCase(pieces.Length == 0 ? [0] : [.. pieces.Take(10)], end, announced, memory, agents))).ToArbitrary();
}
