using System.Runtime.InteropServices;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Records;

/// <summary>One thing that happened in an exchange. Members that its <see cref="Kind"/> does not name have their defaults.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct RecordEntry
{
    /// <summary>What happened.</summary>
    public required RecordKind Kind { get; init; }

    /// <summary>The event that it is about; none for operations.</summary>
    public EventKind Event { get; init; }

    /// <summary>The agent of a call, a skip or a would-be verdict.</summary>
    public string? Agent { get; init; }

    /// <summary>The name of its version that has the exchange.</summary>
    public string? Version { get; init; }

    /// <summary>How a call ended.</summary>
    public CallOutcome Outcome { get; init; }

    /// <summary>What the agent's answer to a call comes to, once it counts; allow where it does not.</summary>
    public VerdictKind Said { get; init; }

    /// <summary>Whether a call asked the same event a second time, because the first connection died under it.</summary>
    public bool IsRetry { get; init; }

    /// <summary>Whether the answer to a call changes bytes of a body. The bytes themselves are not kept.</summary>
    public bool ChangesBody { get; init; }

    /// <summary>
    /// The answer to a call, after what of it cannot be carried out was left out; without bytes of bodies. Null where there is none, and where as many of the
    /// exchange are kept as may be.
    /// </summary>
    public AgentResponse? Response { get; init; }

    /// <summary>When a call went through its stages.</summary>
    public CallTimes Times { get; init; }

    /// <summary>Why an agent was not asked.</summary>
    public SkipReason Skip { get; init; }

    /// <summary>The merge of all that was said of the event.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>
    /// The operation that the front end could not carry, or what enforcing a watching agent's answer would have done: a bounded set of words.
    /// </summary>
    public string? Label { get; init; }

    /// <summary>This entry with another answer.</summary>
    internal RecordEntry With(AgentResponse? response) => this with { Response = response };
}

/// <summary>What an entry is about.</summary>
internal enum RecordKind : byte
{
    /// <summary>An agent was asked, or its call ended before anything was sent.</summary>
    Call,

    /// <summary>An agent of the route was not asked about an event. Once per agent and kind of event.</summary>
    Skipped,

    /// <summary>A verdict was given.</summary>
    Verdict,

    /// <summary>An agent that only watches would have decided so, or could not be asked.</summary>
    WouldBe,

    /// <summary>The front end could not carry an operation.</summary>
    Unapplied,
}

/// <summary>Why an agent was not asked about an event.</summary>
internal enum SkipReason : byte
{
    /// <summary>It was asked.</summary>
    None,

    /// <summary>Neither it nor its operator wants events of this kind.</summary>
    NotWanted,

    /// <summary>Another agent's word had ended the wait.</summary>
    Decided,

    /// <summary>It could not be heard about an earlier piece of this body, and a hole is never resumed.</summary>
    PassedBy,

    /// <summary>The body, or the rest of it, could not be shown to it whole; its line of the ledger says why.</summary>
    Excess,
}

/// <summary>One agent's part in an exchange as a whole.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct AgentRecord
{
    /// <summary>Its id.</summary>
    public required string Agent { get; init; }

    /// <summary>The name of the version that had the exchange; null where it took no part, because it is off here, or leaves.</summary>
    public string? Version { get; init; }

    /// <summary>How it takes part on this route.</summary>
    public required AgentMode Mode { get; init; }

    /// <summary>Its stage on the route, from 0: those of one stage are asked at the same time.</summary>
    public required int Stage { get; init; }

    /// <summary>How its part in the request is accounted; only of agents that enforce.</summary>
    public LedgerEntry Request { get; init; }

    /// <summary>How its part in the response is accounted; only of agents that enforce.</summary>
    public LedgerEntry Response { get; init; }

    /// <summary>Bytes of the request's body that it was to see.</summary>
    public BodyRecord RequestBody { get; init; }

    /// <summary>Bytes of the response's body that it was to see.</summary>
    public BodyRecord ResponseBody { get; init; }

    /// <summary>Calls of this exchange to it, also those of which no entry is kept.</summary>
    public int Calls { get; init; }
}

/// <summary>What an agent saw of a body.</summary>
/// <param name="Seen">Bytes it answered about.</param>
/// <param name="Missed">Bytes that passed it by.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BodyRecord(long Seen, long Missed);
