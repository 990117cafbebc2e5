using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Cli;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Takeover;

namespace Sidecar.Daemon.Composition;

/// <summary>Builds the process from its options and runs it until it is told to stop.</summary>
internal static class DaemonHost
{
    /// <summary>Runs the daemon; the exit code for the shell.</summary>
    public static async Task<int> RunAsync(ConfigurationSnapshot options, bool verbose, TextWriter errors, CancellationToken cancellation)
    {
        try
        {
            ThreadReserve.Fill();
            using var host = Build(options, verbose);
            await host.RunAsync(cancellation).ConfigureAwait(false);
            return ExitCodes.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
        {
            await errors.WriteLineAsync($"sidecar: {e.Message}").ConfigureAwait(false);
            return ExitCodes.Failed;
        }
    }

    /// <summary>Builds everything and starts nothing; what a start would refuse is told, a line for each listener.</summary>
    /// <returns>The exit code that the start would have.</returns>
    public static async Task<int> CheckAsync(ConfigurationSnapshot options, TextWriter errors)
    {
        using var host = Build(options, verbose: false);
        var problems = host.Services.GetRequiredService<ListenerFactory>().Problems();
        foreach (var problem in problems)
        {
            await errors.WriteLineAsync($"sidecar: {problem}").ConfigureAwait(false);
        }

        foreach (var listener in options.Listeners.Where(listener => problems.Count == 0 && listener.Kind == ListenerKind.Envoy))
        {
            await errors.WriteLineAsync($"sidecar: note: {listener.Name}: where an ext_proc filter has response_header_mode: SEND, Envoy's own answers 400, 426, 431 and 501 "
                + "do not reach clients, whatever server it asks; SKIP it where no agent wants responses").ConfigureAwait(false);
        }

        return problems.Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static IHost Build(ConfigurationSnapshot options, bool verbose)
    {
        // Without the defaults: flags are the only configuration, not what happens to lie in the working directory or the environment.
        var builder = Host.CreateEmptyApplicationBuilder(null);
        var notifySocket = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        AddLogging(builder.Logging, verbose, underSystemd: notifySocket is not null);
        var services = builder.Services;
        services.AddMetrics();
        services.AddSingleton<IHostLifetime, SignalLifetime>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = new ShutdownTimes(options).Total);
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<SidecarMetrics>();
        services.AddSingleton(new PrometheusExporterOptions { Prefix = options.MetricsPrefix });
        services.AddSingleton<PrometheusExporter>();
        services.AddSingleton(static provider => new AgentReports(
            provider.GetRequiredService<SidecarMetrics>().Agents,
            provider.GetRequiredService<ConfigurationSnapshot>().MetricsPrefix,
            new AgentReportLimits(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ConfigPushSettings>();
        services.AddSingleton(static provider => new ConfigPusher(
            provider.GetRequiredService<ConfigPushSettings>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ConfigPusher>>()));
        services.AddSingleton<ConfigUpdateHandler>();
        services.AddSingleton(static provider => new ConfigUpdates(
            provider.GetRequiredService<ConfigUpdateHandler>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ConfigUpdates>>()));
        services.AddSingleton<DaemonModel>();
        services.AddSingleton(static provider => new AgentRemovals(
            (agent, abort) => provider.GetRequiredService<DaemonModel>().RemoveAsync(agent.Id, abort),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<AgentRemovals>>()));
        services.AddSingleton<BackgroundCalls>();
        services.AddSingleton<ExchangeIds>();
        services.AddSingleton(static provider =>
        {
            var model = provider.GetRequiredService<DaemonModel>();
            return new RouteTable(model.Routes, model.Unmatched);
        });
        services.AddSingleton(provider => new ByteBudget(options.BodyMemory, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<Inspector>();
        services.AddSingleton(static provider => new HttpApplications(
            provider.GetRequiredService<ConfigurationSnapshot>(),
            provider.GetRequiredService<DaemonModel>().MissingAgents,
            provider.GetRequiredService<Inspector>(),
            provider.GetRequiredService<SidecarMetrics>(),
            provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton<DecideListeners>();
        services.AddSingleton<EnvoyListeners>();
        services.AddSingleton<SocketListeners>();
        services.AddSingleton<Func<AdminApplication>>(static provider => () => Admin(provider));
        services.AddSingleton(static provider => new Succession(
            provider.GetRequiredService<IHostApplicationLifetime>().StopApplication, provider.GetRequiredService<ILogger<Succession>>()));
        services.AddSingleton<ListenerFactory>();
        services.AddSingleton(static provider => provider.GetRequiredService<ListenerFactory>().CreateAll());
        services.AddSingleton(provider => new SystemdNotifier(
            notifySocket, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<SystemdNotifier>>()));
        services.AddHostedService(static provider => new SystemdWatchdog(
            provider.GetRequiredService<SystemdNotifier>(),
            SystemdWatchdog.LimitOf(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID")),
            provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService<DaemonService>();
        var host = builder.Build();
        var metrics = host.Services.GetRequiredService<SidecarMetrics>();
        metrics.ObserveBuild(DaemonVersion.Text);
        metrics.Agents.Observe(host.Services.GetRequiredService<DaemonModel>().Observe);
        return host;
    }

    private static AdminApplication Admin(IServiceProvider provider)
    {
        var (model, inspector, time) = (
            provider.GetRequiredService<DaemonModel>(), provider.GetRequiredService<Inspector>(), provider.GetRequiredService<TimeProvider>());
        var view = new DaemonView
        {
            Version = DaemonVersion.Text,
            StartedAt = time.GetUtcNow(),
            Listeners = provider.GetRequiredService<ConfigurationSnapshot>().Listeners,
            Agents = () => model.Agents,
            Exchanges = inspector.Counts,
            ListenerWarnings = inspector.Warnings,
            BodyMemory = inspector.BodyMemory,
            Pusher = provider.GetRequiredService<ConfigPusher>(),
            Updates = provider.GetRequiredService<ConfigUpdates>(),
            Removals = provider.GetRequiredService<AgentRemovals>(),
            Time = time,
        };
        return new AdminApplication(view, provider.GetRequiredService<PrometheusExporter>(), provider.GetRequiredService<AgentReports>());
    }

    private static void AddLogging(ILoggingBuilder logging, bool verbose, bool underSystemd)
    {
        logging.SetMinimumLevel(verbose ? LogLevel.Debug : LogLevel.Information);
        // A peer can cause most of what frameworks warn of, and none of it asks an operator to do anything.
        logging.AddFilter("Microsoft", LogLevel.Error);

        // A failed start is told once, in one line, by the caller.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        if (underSystemd)
        {
            logging.AddSystemdConsole();
        }
        else
        {
            logging.AddSimpleConsole(static console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
                console.UseUtcTimestamp = true;
            });
        }

        // Whoever reads the log, or no longer does, must never hold up a request: a full queue drops lines, and the next that has room says how many.
        var services = logging.Services;
        services.Configure<ConsoleLoggerOptions>(static console => console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite);
        services.Remove(services.Single(static service => service.ServiceType == typeof(ILoggerProvider)));
        services.AddSingleton<ConsoleLoggerProvider>();
        services.AddSingleton<ILoggerProvider>(static provider => new BoundedLoggerProvider(
            provider.GetRequiredService<ConsoleLoggerProvider>(), provider.GetRequiredService<TimeProvider>(), Connections.Log.OfAgentId));
    }
}
