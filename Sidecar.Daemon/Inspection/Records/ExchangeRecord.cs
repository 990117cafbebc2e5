using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Records;

/// <summary>What happened in one exchange, for observers to read.</summary>
/// <remarks>
/// Valid only during <see cref="IExchangeObserver.OnClosed"/>: the memory behind it serves the next exchange. Who reads it later gets an
/// <see cref="InvalidOperationException"/> instead of another client's data, so whoever needs something for longer copies it. Nothing
/// changes while it is read.
/// </remarks>
internal readonly struct ExchangeRecord
{
    private readonly ExchangeRecorder _recorder;
    private readonly int _life;

    internal ExchangeRecord(ExchangeRecorder recorder, int life) => (_recorder, _life) = (recorder, life);

    /// <summary>Our id of the exchange.</summary>
    public CorrelationId Id => Recorder.Id;

    /// <summary>The id under which agents were told of it: the proxy's where it has one. Cut; null when they were told nothing.</summary>
    public string? ProxyId => Recorder.ProxyId;

    /// <summary>The listener it came through.</summary>
    public string Listener => Recorder.Listener;

    /// <summary>The route it began with; null when none took it, and when it was never known what it asks for.</summary>
    public string? Route => Recorder.Route;

    /// <summary>The route as a label value.</summary>
    public string RouteLabel => Recorder.RouteLabel;

    /// <summary>The generation of the model that it began with.</summary>
    public long Generation => Recorder.Generation;

    /// <summary>The method; cut; null when nobody knows.</summary>
    public string? Method => Recorder.Method;

    /// <summary>The host asked for; cut; null when the proxy did not say.</summary>
    public string? Host => Recorder.Host;

    /// <summary>The raw request target; cut; null when nobody knows.</summary>
    public string? Target => Recorder.Target;

    /// <summary>The client's address; null when nobody knows.</summary>
    public string? Client => Recorder.Client;

    /// <summary>When it began, a timestamp of the clock.</summary>
    public long Started => Recorder.Started;

    /// <summary>When it was accounted, a timestamp of the clock. Agents that only watch may have answered after that.</summary>
    public long Ended => Recorder.Ended;

    /// <summary>How the whole is accounted.</summary>
    public LedgerEntry Account => Recorder.Account;

    /// <summary>The verdict that ended the exchange, or the last one that let it go on; null when none was given.</summary>
    public Verdict? Final => Recorder.Final;

    /// <summary>The event that <see cref="Final"/> is about.</summary>
    public EventKind FinalEvent => Recorder.FinalEvent;

    /// <summary>The agents of its route in route order, also those that took no part.</summary>
    public ReadOnlySpan<AgentRecord> Agents => Recorder.Agents;

    /// <summary>
    /// What happened, in the order in which it was noted. That the exchange is over is told to agents later, and is not among it.
    /// </summary>
    public ReadOnlySpan<RecordEntry> Entries => Recorder.Entries;

    /// <summary>How many more entries there were than are kept.</summary>
    public int More => Recorder.More;

    private ExchangeRecorder Recorder
    {
        get
        {
            if (_recorder.Life != _life)
            {
                ThrowOver();
            }

            return _recorder;
        }
    }

    [DoesNotReturn]
    [StackTraceHidden]
    private static void ThrowOver() =>
        throw new InvalidOperationException(
            "The record of an exchange was read after OnClosed had returned; copy what is needed for longer.");
}

/// <summary>One thing that happened in an exchange. Members that its <see cref="Kind"/> does not name have their defaults.</summary>
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
    /// The answer to a call, after what of it cannot be carried out was left out; without bytes of bodies. Null where there is none, and
    /// where as many of the exchange are kept as may be.
    /// </summary>
    public AgentResponse? Response { get; init; }

    /// <summary>When a call went through its stages.</summary>
    public CallTimes Times { get; init; }

    /// <summary>Why an agent was not asked.</summary>
    public SkipReason Skip { get; init; }

    /// <summary>The merge of all that was said of the event.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>
    /// The operation that the front end could not carry, or what enforcing a watching agent's answer would have done: a bounded set of
    /// words.
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
internal readonly record struct BodyRecord(long Seen, long Missed);
