using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>How one agent takes part in exchanges: what it is asked, for how long, and what happens when it does not answer.</summary>
internal sealed record AgentPolicy
{
    /// <summary>Enforce, monitor or off.</summary>
    public AgentMode Mode { get; init; } = AgentMode.Enforce;

    /// <summary>What happens to an exchange that the agent could not inspect.</summary>
    public FailureOptions OnFailure
    {
        get;
        init => (field, Failures) = (value, new FailureRules(value));
    } = FailureOptions.Closed;

    /// <summary>The same, to look up.</summary>
    public FailureRules Failures { get; init; } = new(FailureOptions.Closed);

    /// <summary>
    /// The events that the operator named, which are sent whatever the agent states (rule 18); null where what it states decides.
    /// </summary>
    public EventSet? Events { get; init; }

    /// <summary>
    /// What the route's calls come to beside others' where calls wait for the agent; agents that only watch are background.
    /// </summary>
    public Priority Priority { get; init; } = Priority.Normal;

    /// <summary>The same as a part.</summary>
    public int Weight => (int)(Mode == AgentMode.Enforce ? Priority : Priority.Background);

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
    /// <param name="cause">Why.</param>
    /// <param name="isResponse">Whether it is the response that was not inspected.</param>
    public FailureMode FailureModeFor(Cause cause, bool isResponse) => (cause, FlowMode) switch
    {
        (Cause.FlowControl, FlowMode.Closed) => FailureMode.Closed,
        (Cause.FlowControl, FlowMode.Open) => FailureMode.Open,
        _ => Failures.Of(cause, isResponse),
    };

    /// <summary>The same with another failure mode.</summary>
    /// <param name="failures">The failure mode.</param>
    /// <param name="onExcess">What happens to bodies that the agent cannot be shown whole; null as to what is too large for it.</param>
    public AgentPolicy With(FailureOptions failures, ExcessAction? onExcess)
    {
        var rules = new FailureRules(failures);
        return this with { OnFailure = failures, RequestBody = Of(RequestBody, false), ResponseBody = Of(ResponseBody, true) };

        BodyPolicy Of(BodyPolicy body, bool isResponse) => body with
        {
            OnExcess = onExcess ?? (rules.Of(Cause.TooLarge, isResponse) == FailureMode.Open ? ExcessAction.Skip : ExcessAction.Block),
        };
    }

    /// <summary>
    /// Whether an agent that was told of an exchange is told of its end. Many free what they keep of it on nothing else, and few state that
    /// they want to know.
    /// </summary>
    public bool WantsEnd => Events?.Has(EventKind.RequestComplete) ?? true;

    /// <summary>The events whose answers count, of an agent that states these.</summary>
    public EventSet Decided(EventSet stated) => Events ?? stated;

    /// <summary>
    /// The events to send to an agent that states these: those that it decides, and the header events that later ones need (spec §5.2).
    /// </summary>
    public EventSet Wanted(EventSet stated)
    {
        const EventSet AfterRequest = EventSet.RequestBodyChunk | EventSet.ResponseHeaders | EventSet.ResponseBodyChunk
            | EventSet.RequestComplete | EventSet.WebSocketFrame;
        if (Mode == AgentMode.Off)
        {
            return EventSet.None;
        }

        var wanted = Decided(stated);
        wanted |= (wanted & AfterRequest) != 0 ? EventSet.RequestHeaders : EventSet.None;
        return wanted | ((wanted & EventSet.ResponseBodyChunk) != 0 ? EventSet.ResponseHeaders : EventSet.None);
    }
}

/// <summary>An agent on a route. Immutable; shared by all exchanges of the route.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Policy">How it takes part on this route.</param>
/// <param name="Plan">Which of its versions an exchange gets.</param>
internal sealed record RouteAgent(AgentState Agent, AgentPolicy Policy, VersionPlan Plan);

/// <summary>How one agent is shown the bodies of one direction.</summary>
internal sealed record BodyPolicy
{
    /// <summary>Collected, streamed, or both.</summary>
    public BodyMode Mode { get; init; } = BodyMode.Buffer;

    /// <summary>In hybrid mode: bytes collected before the first question.</summary>
    public int Threshold { get; init; } = BodyFormats.HybridThreshold;

    /// <summary>
    /// Largest body the agent is shown, in bytes; <see cref="long.MaxValue"/> for no limit. The agent's own limit makes it less.
    /// </summary>
    public long MaxBytes { get; init; } = AgentSettings.MaxBody.Default;

    /// <summary>What happens beyond that.</summary>
    public ExcessAction OnExcess { get; init; } = ExcessAction.Block;
}
