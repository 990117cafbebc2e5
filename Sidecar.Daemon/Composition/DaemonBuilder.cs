using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Configuration;
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
        var updates = new ConfigUpdates(new ConfigUpdateHandler(pusher, Pushing, Time), Time, Loggers.CreateLogger<ConfigUpdates>());
        var cautions = new AgentCautions(Time, Loggers.CreateLogger<AgentCautions>());
        var agents = new AgentFactory(
            metrics.Agents, (agent, version, process) => new AgentObserver(agent, version, process, reports, pusher, updates, cautions),
            Time, Loggers,
            Dial ?? ((endpoint, settings, agent) => AgentDialers.Create(endpoint, settings, agent.Tls, Time, Loggers)));
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
            new HttpApplications(inspector, metrics, Loggers), new DecideListeners(inspector, Loggers),
            new EnvoyListeners(inspector, Loggers),
            new SocketListeners(agents, inspector, metrics, Loggers), inspector, () => daemon.CreateAdmin(), succession, Loggers);
        var listeners = new ListenerSet(factory, succession, Time, Loggers.CreateLogger<ListenerSet>());
        ModelPublisher publisher = null!;
        publisher = new ModelPublisher(
            Configuration, current, agents, listeners, reports, pusher, bodyMemory, Time, Loggers.CreateLogger<ModelPublisher>())
        {
            Gone = (agent, version) => exporter.Forget(() => publisher.Has(agent, version), new("agent", agent), new("version", version)),
        };
        daemon = new Daemon
        {
            StartedAt = Time.GetUtcNow(),
            Time = Time,
            Metrics = metrics,
            Exporter = exporter,
            Reports = reports,
            Pusher = pusher,
            Updates = updates,
            Current = current,
            Background = background,
            Inspector = inspector,
            Factory = factory,
            Listeners = listeners,
            Publisher = publisher,
            Removals = new AgentRemovals(
                (agent, abort) => publisher.RemoveAsync(agent.Id, abort), Time, Loggers.CreateLogger<AgentRemovals>()),
        };
        metrics.ObserveBuild(DaemonVersion.Text);
        metrics.ObserveFailures(() => observers.Failures);
        metrics.Agents.Observe(() => publisher.Agents.SelectMany(static agent => agent.Read()));
        return daemon;
    }
}

/// <summary>The parts of a daemon that are started, stopped and asked.</summary>
internal sealed record Daemon : IDisposable
{
    /// <summary>When it was composed.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The clock of everything.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>What is counted.</summary>
    public required SidecarMetrics Metrics { get; init; }

    /// <summary>Writes that for Prometheus; to be disposed of at the end.</summary>
    public required PrometheusExporter Exporter { get; init; }

    /// <summary>What agents report of themselves.</summary>
    public required AgentReports Reports { get; init; }

    public required ConfigPusher Pusher { get; init; }

    /// <summary>What agents ask about their configurations.</summary>
    public required ConfigUpdates Updates { get; init; }

    /// <summary>The model that exchanges begin with.</summary>
    public required CurrentModel Current { get; init; }

    /// <summary>What no request waits for.</summary>
    public required BackgroundCalls Background { get; init; }

    /// <summary>What front ends ask.</summary>
    public required Inspector Inspector { get; init; }

    /// <summary>Makes listeners.</summary>
    public required ListenerFactory Factory { get; init; }

    public required ListenerSet Listeners { get; init; }

    /// <summary>Changes the model.</summary>
    public required ModelPublisher Publisher { get; init; }

    /// <summary>Takes agents out of service.</summary>
    public required AgentRemovals Removals { get; init; }

    /// <summary>What operators ask.</summary>
    public AdminApplication CreateAdmin()
    {
        var view = new DaemonView
        {
            Version = DaemonVersion.Text,
            StartedAt = StartedAt,
            Model = () => Current.Model,
            Agents = () => Publisher.Agents,
            Exchanges = Inspector.Counts,
            ListenerWarnings = Inspector.Warnings,
            BodyMemory = Inspector.BodyMemory,
            Pusher = Pusher,
            Updates = Updates,
            Removals = Removals,
            Time = Time,
        };
        return new AdminApplication(view, Exporter, Reports);
    }

    /// <summary>Stops what was started behind the listeners, at once.</summary>
    public async ValueTask AbortAsync()
    {
        await Publisher.CloseAsync().ConfigureAwait(false);
        var agents = Publisher.Agents;
        await Background.DisposeAsync().ConfigureAwait(false);
        await Pusher.DisposeAsync().ConfigureAwait(false);
        await Removals.DisposeAsync().ConfigureAwait(false);
        await Publisher.DisposeAsync().ConfigureAwait(false);
        await Listeners.DisposeAsync().ConfigureAwait(false);
        var pools = agents.SelectMany(static agent => agent.Versions).Select(static version => version.Pool);
        await Task.WhenAll(pools.Select(static pool => pool.CloseAsync(TimeSpan.Zero, CancellationToken.None))).ConfigureAwait(false);
    }

    /// <summary>Counts nothing any more. What runs is stopped before.</summary>
    public void Dispose() => Exporter.Dispose();
}
