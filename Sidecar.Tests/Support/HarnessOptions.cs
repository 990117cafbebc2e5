using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Tests.Support;

/// <summary>What an <see cref="InspectionHarness"/> is made of besides its agents.</summary>
internal sealed record HarnessOptions
{
    /// <summary>The clock of everything but the client.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The routes, given a way to name an agent; null for one route that takes everything to every agent.</summary>
    public Func<Func<string, RouteAgent>, IReadOnlyList<RouteModel>>? Routes { get; init; }

    /// <summary>What takes the requests that no route does, given a way to name an agent; null refuses them.</summary>
    public Func<Func<string, RouteAgent>, RouteModel?>? Unmatched { get; init; }

    /// <summary>On the route made without <see cref="Routes"/>: one agent after the other instead of all at once.</summary>
    public bool Sequential { get; init; }

    /// <summary>Connections to each agent.</summary>
    public int Connections { get; init; } = 1;

    /// <summary>How long calls to an agent that is taken out of service may take.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.Zero;

    /// <summary>The circuit breaker of each agent.</summary>
    public BreakerSettings Breaker { get; init; } = BreakerSettings.Off;

    /// <summary>How the daemon came to its configuration.</summary>
    public ConfigurationStart Start { get; init; } = ConfigurationStart.Flags;

    /// <summary>How configurations are pushed.</summary>
    public ConfigPushSettings Pushing { get; init; } = new();

    /// <summary>Listeners that operators are told of.</summary>
    public IReadOnlyList<ListenerOptions> Listeners { get; init; } = [];

    /// <summary>Time for one phase.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>What happens to events of an exchange that is not known.</summary>
    public FailureMode UnknownExchange { get; init; } = FailureMode.Closed;

    /// <summary>Body bytes held at once.</summary>
    public long BodyMemory { get; init; } = DaemonSettings.BodyMemory.Default;

    /// <summary>Exchanges open at once.</summary>
    public int MaxExchanges { get; init; } = 100;

    /// <summary>Other daemons that may know an exchange; null for none.</summary>
    public IExchangeRelay? Relay { get; init; }

    /// <summary>Who learns of exchanges besides the metrics.</summary>
    public IReadOnlyList<IExchangeObserver> Observers { get; init; } = [];

    /// <summary>When an exchange is forgotten.</summary>
    public TimeSpan Expiry { get; init; } = TimeSpan.FromSeconds(30);
}
