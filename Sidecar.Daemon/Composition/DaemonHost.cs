using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Sidecar.Daemon.Cli;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Hosting;

namespace Sidecar.Daemon.Composition;

/// <summary>Builds the process from its options and runs it until it is told to stop.</summary>
internal static class DaemonHost
{
    /// <summary>Runs the daemon; the exit code for the shell.</summary>
    /// <param name="options">What the operator wrote; validated, its bounds settled.</param>
    /// <param name="start">How the daemon came to it.</param>
    /// <param name="errors">Where it is said why it cannot run.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<int> RunAsync(
        ConfigurationSnapshot options, ConfigurationStart start, TextWriter errors, CancellationToken cancellation)
    {
        try
        {
            ThreadReserve.Fill();
            using var host = Build(options, start);
            await host.RunAsync(cancellation);
            return ExitCodes.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
        {
            return await errors.FailAsync(ExitCodes.Failed, e.Message);
        }
    }

    /// <summary>Builds everything and starts nothing; what a start would refuse is told, a line for each listener.</summary>
    /// <returns>The exit code that the start would have.</returns>
    public static async Task<int> CheckAsync(ConfigurationSnapshot options, TextWriter errors)
    {
        // Whoever asks: a key that root made by a check could not be read by the daemon.
        options = options with { Values = options.Values.With(DaemonSettings.Check, true) };
        using var host = Build(options, ConfigurationStart.Flags);
        var factory = host.Services.GetRequiredService<Daemon>().Factory;
        var problems = options.Listeners.Select(listener => factory.Problem(listener, options)).OfType<string>().ToList();
        return problems.Count > 0
            ? await errors.FailAsync(ExitCodes.Failed, problems)
            : await errors.FailAsync(ExitCodes.Ok, options.Listeners.Where(static listener => listener.Kind == ListenerKind.Envoy).Select(
                static listener => $"note: {listener.Name}: where an ext_proc filter has response_header_mode: SEND, Envoy's own answers "
                    + "400, 426, 431 and 501 do not reach clients, whatever server it asks; SKIP it where no agent wants responses"));
    }

    private static IHost Build(ConfigurationSnapshot options, ConfigurationStart start)
    {
        // Without the defaults: flags are the only configuration, not what happens to lie in the working directory or the environment.
        var builder = Host.CreateEmptyApplicationBuilder(null);
        var notifySocket = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        AddLogging(builder.Logging, options.Get(DaemonSettings.Verbose) && !options.ChecksOnly, underSystemd: notifySocket is not null);
        var services = builder.Services;
        services.AddMetrics();
        services.AddSingleton<IHostLifetime>(static provider => new SignalLifetime(
            provider.GetRequiredService<IHostApplicationLifetime>(),
            () => _ = provider.GetRequiredService<Daemon>().Reloads.ReloadAsync("SIGHUP"),
            provider.GetRequiredService<ILogger<SignalLifetime>>()));
        // The shutdown bounds its steps itself, by the limits that count then.
        services.Configure<HostOptions>(static host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new DaemonBuilder
        {
            Configuration = options,
            Start = start,
            Meters = provider.GetRequiredService<IMeterFactory>(),
            Loggers = provider.GetRequiredService<ILoggerFactory>(),
            Stop = provider.GetRequiredService<IHostApplicationLifetime>().StopApplication,
        }.Build());
        services.AddSingleton(provider => new SystemdNotifier(
            notifySocket, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<SystemdNotifier>>()));
        services.AddHostedService(static provider => new SystemdWatchdog(
            provider.GetRequiredService<SystemdNotifier>(),
            SystemdWatchdog.LimitOf(
                Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID")),
            provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService<DaemonService>();
        return builder.Build();
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

        // Whoever reads the log, or no longer does, must never hold up a request: a full queue drops lines, and the next that has room says
        // how many.
        var services = logging.Services;
        services.Configure<ConsoleLoggerOptions>(static console => console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite);
        services.Remove(services.Single(static service => service.ServiceType == typeof(ILoggerProvider)));
        services.AddSingleton<ConsoleLoggerProvider>();
        services.AddSingleton<ILoggerProvider>(static provider => new BoundedLoggerProvider(
            provider.GetRequiredService<ConsoleLoggerProvider>(), provider.GetRequiredService<TimeProvider>(), Connections.Log.OfAgentId));
    }
}
