using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>How one agent takes part in exchanges: what it is asked, for how long, and what happens when it does not answer.</summary>
internal sealed record AgentPolicy
{
    /// <summary>Enforce, monitor or off.</summary>
    public AgentMode Mode { get; init; } = AgentMode.Enforce;

    /// <summary>What happens to an exchange that the agent could not inspect.</summary>
    public FailureMode FailureMode { get; init; } = FailureMode.Closed;

    /// <summary>Events the agent may be asked about; what it does not support is not sent unless it is required.</summary>
    public EventSet Events { get; init; } = EventSet.All;

    /// <summary>Events the operator named: an agent that does not support one of them fails on it, rather than silently not being asked.</summary>
    public EventSet Required { get; init; } = EventSet.None;

    /// <summary>How it is shown request bodies.</summary>
    public BodyPolicy RequestBody { get; init; } = new();

    /// <summary>How it is shown response bodies.</summary>
    public BodyPolicy ResponseBody { get; init; } = new();

    /// <summary>Whether headers alone will do where the proxy hands no body over.</summary>
    public bool BodyIsOptional { get; init; }

    /// <summary>Most bytes of a body in one event, at least 1; the agent's own limit makes it less.</summary>
    public int MaxEventBytes { get; init; } = int.MaxValue;

    /// <summary>Longest wait for an answer about headers.</summary>
    public required TimeSpan HeaderTimeout { get; init; }

    /// <summary>Longest wait for an answer about anything else.</summary>
    public required TimeSpan BodyTimeout { get; init; }

    /// <summary>Longest waits for kinds of events that have one of their own; null when none has.</summary>
    public IReadOnlyDictionary<EventKind, TimeSpan>? EventTimeouts { get; init; }

    /// <summary>What happens to an exchange when the agent asks to be sent nothing.</summary>
    public FlowMode FlowMode { get; init; } = FlowMode.AsFailureMode;

    /// <summary>The ceiling for one kind of event.</summary>
    public TimeSpan TimeoutOf(EventKind kind) => EventTimeouts is not null && EventTimeouts.TryGetValue(kind, out var own) ? own
        : kind is EventKind.RequestHeaders or EventKind.ResponseHeaders ? HeaderTimeout : BodyTimeout;

    /// <summary>What happens to an exchange that the agent could not inspect for this cause.</summary>
    public FailureMode FailureModeFor(Cause cause) => (cause, FlowMode) switch
    {
        (Cause.FlowControl, FlowMode.Closed) => FailureMode.Closed,
        (Cause.FlowControl, FlowMode.Open) => FailureMode.Open,
        _ => FailureMode,
    };

    /// <summary>The events to send to an agent that supports these: what both sides want, and the header events that later ones need (spec §5.2).</summary>
    public EventSet Wanted(EventSet supported)
    {
        const EventSet AfterRequest = EventSet.RequestBodyChunk | EventSet.ResponseHeaders | EventSet.ResponseBodyChunk
            | EventSet.RequestComplete | EventSet.WebSocketFrame;
        if (Mode == AgentMode.Off)
        {
            return EventSet.None;
        }

        var wanted = Events & (supported | Required);
        wanted |= (wanted & AfterRequest) != 0 ? EventSet.RequestHeaders : EventSet.None;
        return wanted | ((wanted & EventSet.ResponseBodyChunk) != 0 ? EventSet.ResponseHeaders : EventSet.None);
    }
}
