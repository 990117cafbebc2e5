using Sidecar.Daemon.Configuration.Settings;
using Keys = Sidecar.Daemon.Configuration.Settings.DaemonSettings;

namespace Sidecar.Daemon.Configuration;

/// <summary>Everything the operator wrote. Immutable; what was not written is the default of its setting.</summary>
internal sealed record ConfigurationSnapshot : SettingOptions
{
    public IReadOnlyList<AgentOptions> Agents { get; init; } = [];

    public IReadOnlyList<ListenerOptions> Listeners { get; init; } = [];

    /// <summary>The routes, the first that matches wins; none means one route with every agent.</summary>
    public IReadOnlyList<RouteOptions> Routes { get; init; } = [];

    /// <summary>What takes the requests that no route takes: null refuses them, without agents they pass.</summary>
    public RouteOptions? Unmatched { get => Get(Keys.Unmatched); init => Values = Values.With(Keys.Unmatched, value); }

    /// <summary>How calls to agents are made where an agent's own settings say nothing.</summary>
    public PoolOptions Pool { get => new() { Values = Values }; init => Values = value.Values.Over(Values); }

    /// <summary>Whether a listener brings requests; without one nothing is inspected.</summary>
    public bool BringsRequests => Listeners.Any(static listener => listener.Kind is not (ListenerKind.Admin or ListenerKind.Reverse));

    /// <summary>How long work under way may take when the daemon stops.</summary>
    public TimeSpan DrainTimeout { get => Get(Keys.DrainTimeout); init => Values = Values.With(Keys.DrainTimeout, value); }

    /// <summary>When an exchange whose end nobody announced is forgotten.</summary>
    public TimeSpan ExchangeExpiry { get => Get(Keys.ExchangeExpiry); init => Values = Values.With(Keys.ExchangeExpiry, value); }

    /// <summary>Exchanges open at once.</summary>
    public int MaxExchanges { get => Get(Keys.MaxExchanges); init => Values = Values.With(Keys.MaxExchanges, value); }

    /// <summary>Bytes of bodies held at once by the whole daemon.</summary>
    public long BodyMemory { get => Get(Keys.BodyMemory); init => Values = Values.With(Keys.BodyMemory, value); }

    /// <summary>What happens when an agent cannot inspect, unless the agent says otherwise.</summary>
    public FailureOptions OnFailure { get => Get(Keys.OnFailure); init => Values = Values.With(Keys.OnFailure, value); }

    /// <summary>First part of every metric's name.</summary>
    public string MetricsPrefix { get => Get(Keys.MetricsPrefix)!; init => Values = Values.With(Keys.MetricsPrefix, value); }

    /// <summary>The key that signs reply ids; null keeps it beside the listener's socket.</summary>
    public string? ReplyKeyFile => Get(Keys.ReplyKey);

    /// <summary>Whether nothing is started and nothing made: only checked.</summary>
    public bool ChecksOnly => Get(Keys.Check);

    /// <summary>Whether a listener may take over a path where another process listens.</summary>
    public bool AllowTakeover { get => Get(Keys.Takeover); init => Values = Values.With(Keys.Takeover, value); }

    /// <summary>Whether READY is told only when every agent has a connection.</summary>
    public bool WaitForAgents { get => Get(Keys.WaitForAgents); init => Values = Values.With(Keys.WaitForAgents, value); }
}
