using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Diagnostics.Metrics;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Takeover;

namespace Sidecar.Daemon.Composition;

/// <summary>
/// Composes a daemon, in one way for the process and for whoever wants all of it or the part behind the listeners. It starts nothing.
/// </summary>
internal sealed class DaemonBuilder
{
    /// <summary>What the operator wrote; validated.</summary>
    public required ConfigurationSnapshot Configuration { get; init; }

    /// <summary>How the daemon came to it, and where it is read again.</summary>
    public ConfigurationStart Start { get; init; } = ConfigurationStart.Flags;

    /// <summary>Where instruments are made.</summary>
    public required IMeterFactory Meters { get; init; }

    /// <summary>The logs.</summary>
    public required ILoggerFactory Loggers { get; init; }

    /// <summary>The clock of everything.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How configurations are pushed.</summary>
    public ConfigPushSettings Pushing { get; init; } = new();

    /// <summary>Makes dialers of agents; null for sockets.</summary>
    public Func<AgentEndpoint, ConnectionSettings, AgentOptions, IAgentDialer>? Dial { get; init; }

    /// <summary>Who learns of exchanges besides the metrics.</summary>
    public IReadOnlyList<IExchangeObserver> Observers { get; init; } = [];

    /// <summary>Begins the stop of the process, when another daemon has taken all listeners over.</summary>
    public Action Stop { get; init; } = static () => { };

    /// <summary>Composes it.</summary>
    public Daemon Build()
    {
        // It hears what is measured from now on.
        var exporter = new PrometheusExporter(Meters, new PrometheusExporterOptions { Prefix = Configuration.MetricsPrefix });
        var metrics = new SidecarMetrics(Meters);
        var reports = new AgentReports(metrics.Agents, Configuration.MetricsPrefix, new AgentReportLimits(), Time);
        var pusher = new ConfigPusher(Pushing, Time, Loggers.CreateLogger<ConfigPusher>());
        var updates = new ConfigUpdates(pusher, Pushing, Time, Loggers.CreateLogger<ConfigUpdates>());
        var cautions = new AgentCautions(Time, Loggers.CreateLogger<AgentCautions>());
        var agents = new AgentFactory(
            metrics.Agents, (agent, version, process) => new AgentObserver(agent, version, process, reports, pusher, updates, cautions),
            Time, Loggers, Dial ?? ((endpoint, settings, agent) => AgentDialers.Create(endpoint, settings, agent.Tls, Time, Loggers)));
        var current = new CurrentModel(new RuntimeModel { Generation = 0, Routes = new RouteTable([]) });
        var bodyMemory = new ByteBudget(Configuration.BodyMemory, Time);
        var background = new BackgroundCalls(Time, Loggers.CreateLogger<BackgroundCalls>());
        var observers = new ExchangeObservers(
            [new ExchangeMetrics(metrics), .. Observers], Time, Loggers.CreateLogger<ExchangeObservers>());
        var inspector = new Inspector(
            current, background, new ExchangeIds(), bodyMemory, observers, Time, Loggers.CreateLogger<Inspector>());
        var succession = new Succession(Stop, Loggers.CreateLogger<Succession>());
        Daemon daemon = null!;
        var factory = new ListenerFactory(
            new HttpListeners(inspector, metrics, Loggers), new SocketListeners(agents, inspector, metrics, Loggers), inspector,
            () => daemon.CreateAdmin(), succession, Loggers);
        var listeners = new ListenerSet(factory, succession, Time, Loggers.CreateLogger<ListenerSet>());
        ModelPublisher publisher = null!;
        publisher = new ModelPublisher(
            Configuration, current, agents, listeners, reports, pusher, bodyMemory, Time, Loggers.CreateLogger<ModelPublisher>())
        {
            Gone = (agent, version) => exporter.Forget(() => publisher.Has(agent, version), new("agent", agent), new("version", version)),
        };
        var removals = new AgentRemovals(
            (agent, abort) => publisher.RemoveAsync(agent.Id, abort), Time, Loggers.CreateLogger<AgentRemovals>());
        var reloads = new Reloader(
            Start, publisher, () => current.Model, new LastGood(Start.StateDirectory, Loggers.CreateLogger<LastGood>()), metrics, Time,
            Loggers.CreateLogger<Reloader>());
        var watch = Start.HasFiles && Configuration.Get(DaemonSettings.ConfigWatch) is var interval && interval != TimeSpan.MaxValue
            ? new ConfigurationWatch(Start.Source!, reloads, interval, Time, Loggers.CreateLogger<ConfigurationWatch>())
            : null;
        daemon = new Daemon(
            Time.GetUtcNow(), Time, metrics, exporter, reports, pusher, updates, current, background, inspector, factory, listeners,
            publisher, removals, reloads, watch);
        metrics.ObserveBuild(DaemonVersion.Text);
        metrics.ObserveConfiguration(() => reloads.Figures);
        metrics.ObserveFailures(() => observers.Failures);
        metrics.Agents.Observe(() => publisher.Agents.SelectMany(static agent => agent.Read()));
        return daemon;
    }
}

/// <summary>The parts of a daemon that are started, stopped and asked.</summary>
/// <param name="StartedAt">When it was composed.</param>
/// <param name="Time">The clock of everything.</param>
/// <param name="Metrics">What is counted.</param>
/// <param name="Exporter">Writes that for Prometheus; to be disposed of at the end.</param>
/// <param name="Reports">What agents report of themselves.</param>
/// <param name="Pusher">Pushes configurations to agents.</param>
/// <param name="Updates">What agents ask about their configurations.</param>
/// <param name="Current">The model that exchanges begin with.</param>
/// <param name="Background">What no request waits for.</param>
/// <param name="Inspector">What front ends ask.</param>
/// <param name="Factory">Makes listeners.</param>
/// <param name="Listeners">The listeners there are.</param>
/// <param name="Publisher">Changes the model.</param>
/// <param name="Removals">Takes agents out of service.</param>
/// <param name="Reloads">Reads the configuration again.</param>
/// <param name="Watch">Looks for changes of it; null where nobody wants that.</param>
internal sealed record Daemon(
    DateTimeOffset StartedAt, TimeProvider Time, SidecarMetrics Metrics, PrometheusExporter Exporter, AgentReports Reports,
    ConfigPusher Pusher, ConfigUpdates Updates, CurrentModel Current, BackgroundCalls Background, Inspector Inspector,
    ListenerFactory Factory, ListenerSet Listeners, ModelPublisher Publisher, AgentRemovals Removals,
    Reloader Reloads, ConfigurationWatch? Watch) : IDisposable
{
    /// <summary>What operators ask.</summary>
    public AdminApplication CreateAdmin() => new(
        new DaemonView(
            DaemonVersion.Text, StartedAt, () => Current.Model, () => Publisher.Agents, Inspector.Counts, Inspector.Warnings,
            Inspector.BodyMemory, Pusher, Updates, Removals, Reloads,
            () => Publisher.IsDraining, Time),
        Exporter, Reports);

    /// <summary>Stops what was started behind the listeners, at once.</summary>
    public async ValueTask AbortAsync()
    {
        await Publisher.CloseAsync();
        var agents = Publisher.Agents;
        await Background.DisposeAsync();
        await Pusher.DisposeAsync();
        await Removals.DisposeAsync();
        await Publisher.DisposeAsync();
        await Listeners.DisposeAsync();
        var pools = agents.SelectMany(static agent => agent.Versions).Select(static version => version.Pool);
        await Task.WhenAll(pools.Select(static pool => pool.CloseAsync(TimeSpan.Zero, CancellationToken.None)));
    }

    /// <summary>Counts nothing any more. What runs is stopped before.</summary>
    public void Dispose() => Exporter.Dispose();
}
