using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>How calls to an agent are made, as the operator wrote it: for the daemon by flags, for one agent by keys. Null where nothing was written.</summary>
internal sealed record PoolOptions
{
    /// <summary>Connections, over all endpoints.</summary>
    public int? Connections { get; init; }

    /// <summary>How a connection is chosen.</summary>
    public SelectionStrategy? Strategy { get; init; }

    /// <summary>Connect and handshake together.</summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary>Longest wait for an answer about headers.</summary>
    public TimeSpan? HeaderTimeout { get; init; }

    /// <summary>Longest wait for an answer about anything else.</summary>
    public TimeSpan? BodyTimeout { get; init; }

    /// <summary>Longest waits for single kinds of events, above both.</summary>
    public IReadOnlyDictionary<EventKind, TimeSpan>? EventTimeouts { get; init; }

    /// <summary>Shortest wait before dialling again.</summary>
    public TimeSpan? ReconnectMin { get; init; }

    /// <summary>Longest wait before dialling again.</summary>
    public TimeSpan? ReconnectMax { get; init; }

    /// <summary>Failed attempts before the agent is reported unhealthy.</summary>
    public int? UnhealthyAfter { get; init; }

    /// <summary>How long calls in flight may take when the connections are closed; null as the daemon's own drain.</summary>
    public TimeSpan? DrainTimeout { get; init; }

    /// <summary>Calls outstanding on one connection.</summary>
    public int? CallsPerConnection { get; init; }

    /// <summary>Calls outstanding over all connections; null for connections × calls per connection.</summary>
    public int? CallsPerAgent { get; init; }

    /// <summary>Calls that may wait; 0 for none.</summary>
    public int? Queue { get; init; }

    /// <summary>How long a call waits for a slot.</summary>
    public TimeSpan? QueueWait { get; init; }

    /// <summary>How often an idle connection is asked for a sign of life.</summary>
    public TimeSpan? HealthInterval { get; init; }

    /// <summary>What happens while the agent asks to be sent nothing.</summary>
    public FlowMode? FlowMode { get; init; }

    /// <summary>How long an event waits for the agent to go on, when it waits.</summary>
    public TimeSpan? FlowWait { get; init; }

    /// <summary>How long a sticky session may be unused; <see cref="TimeSpan.MaxValue"/> for ever.</summary>
    public TimeSpan? StickyTimeout { get; init; }

    /// <summary>Sticky sessions kept.</summary>
    public int? StickySessions { get; init; }

    /// <summary>Share of failed calls that opens the breaker, in percent; 0 for never.</summary>
    public int? BreakerRate { get; init; }

    /// <summary>Calls before their rate says anything.</summary>
    public int? BreakerCalls { get; init; }

    /// <summary>How far back failures count.</summary>
    public TimeSpan? BreakerWindow { get; init; }

    /// <summary>Failures in a row that open the breaker; 0 for never.</summary>
    public int? BreakerFailures { get; init; }

    /// <summary>How long the breaker stays open.</summary>
    public TimeSpan? BreakerOpen { get; init; }

    /// <summary>These settings, and those of another where these say nothing.</summary>
    public PoolOptions Over(PoolOptions other) => new()
    {
        Connections = Connections ?? other.Connections,
        Strategy = Strategy ?? other.Strategy,
        ConnectTimeout = ConnectTimeout ?? other.ConnectTimeout,
        HeaderTimeout = HeaderTimeout ?? other.HeaderTimeout,
        BodyTimeout = BodyTimeout ?? other.BodyTimeout,
        EventTimeouts = Merge(EventTimeouts, other.EventTimeouts),
        ReconnectMin = ReconnectMin ?? other.ReconnectMin,
        ReconnectMax = ReconnectMax ?? other.ReconnectMax,
        UnhealthyAfter = UnhealthyAfter ?? other.UnhealthyAfter,
        DrainTimeout = DrainTimeout ?? other.DrainTimeout,
        CallsPerConnection = CallsPerConnection ?? other.CallsPerConnection,
        CallsPerAgent = CallsPerAgent ?? other.CallsPerAgent,
        Queue = Queue ?? other.Queue,
        QueueWait = QueueWait ?? other.QueueWait,
        HealthInterval = HealthInterval ?? other.HealthInterval,
        FlowMode = FlowMode ?? other.FlowMode,
        FlowWait = FlowWait ?? other.FlowWait,
        StickyTimeout = StickyTimeout ?? other.StickyTimeout,
        StickySessions = StickySessions ?? other.StickySessions,
        BreakerRate = BreakerRate ?? other.BreakerRate,
        BreakerCalls = BreakerCalls ?? other.BreakerCalls,
        BreakerWindow = BreakerWindow ?? other.BreakerWindow,
        BreakerFailures = BreakerFailures ?? other.BreakerFailures,
        BreakerOpen = BreakerOpen ?? other.BreakerOpen,
    };

    // An agent's timeout for a kind goes before the daemon's for that kind only.
    private static IReadOnlyDictionary<EventKind, TimeSpan>? Merge(
        IReadOnlyDictionary<EventKind, TimeSpan>? these, IReadOnlyDictionary<EventKind, TimeSpan>? others) =>
        these is null || others is null ? these ?? others
            : these.Concat(others.Where(other => !these.ContainsKey(other.Key))).ToDictionary(static pair => pair.Key, static pair => pair.Value);
}
