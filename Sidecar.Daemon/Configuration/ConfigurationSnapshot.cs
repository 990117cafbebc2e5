namespace Sidecar.Daemon.Configuration;

/// <summary>Everything the operator wrote. Immutable; defaults are those of <see cref="Defaults"/>.</summary>
internal sealed record ConfigurationSnapshot
{
    /// <summary>The agents.</summary>
    public IReadOnlyList<AgentOptions> Agents { get; init; } = [];

    /// <summary>The listeners.</summary>
    public IReadOnlyList<ListenerOptions> Listeners { get; init; } = [];

    /// <summary>The routes, the first that matches wins; none means one route with every agent.</summary>
    public IReadOnlyList<RouteOptions> Routes { get; init; } = [];

    /// <summary>What takes the requests that no route takes: null refuses them, without agents they pass.</summary>
    public RouteOptions? Unmatched { get; init; }

    /// <summary>How calls to agents are made where an agent's own settings say nothing.</summary>
    public PoolOptions Pool { get; init; } = new();

    /// <summary>How long work under way may take when the daemon stops.</summary>
    public TimeSpan DrainTimeout { get; init; } = Defaults.DrainTimeout;

    /// <summary>When an exchange whose end nobody announced is forgotten.</summary>
    public TimeSpan ExchangeExpiry { get; init; } = Defaults.ExchangeExpiry;

    /// <summary>Exchanges open at once.</summary>
    public int MaxExchanges { get; init; } = Defaults.MaxExchanges;

    /// <summary>Bytes of bodies held at once by the whole daemon.</summary>
    public long BodyMemory { get; init; } = Defaults.BodyMemory;

    /// <summary>What happens when an agent cannot inspect, unless the agent says otherwise.</summary>
    public FailureMode FailureMode { get; init; } = FailureMode.Closed;

    /// <summary>First part of every metric's name.</summary>
    public string MetricsPrefix { get; init; } = Defaults.MetricsPrefix;

    /// <summary>The key that signs reply ids; null keeps it beside the listener's socket.</summary>
    public string? ReplyKeyFile { get; init; }

    /// <summary>Whether nothing is started and nothing made: only checked.</summary>
    public bool ChecksOnly { get; init; }

    /// <summary>Whether a listener may take over a path where another process listens.</summary>
    public bool AllowTakeover { get; init; }

    /// <summary>Whether READY is told only when every agent has a connection.</summary>
    public bool WaitForAgents { get; init; }
}
