using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.Composition;

/// <summary>Starts and stops everything in one order: agents first, then the listeners; listeners first, then agents.</summary>
internal sealed partial class DaemonService(Daemon daemon, SystemdNotifier notifier, ILoggerFactory loggers) : IHostedService, IDisposable
{
    private readonly ILogger _logger = loggers.CreateLogger<DaemonService>();
    private readonly CancellationTokenSource _stopping = new();
    private Task _announcing = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;

    private RuntimeModel Model => daemon.Current.Model;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        daemon.Listeners.Create(Model.Configuration);
        daemon.Publisher.StartAgents();
        try
        {
            await daemon.Listeners.StartAsync(cancellationToken);
        }
        catch
        {
            // A host that fails to start does not stop its services: what was started must not be left behind.
            await StopAsync(CancellationToken.None);
            throw;
        }

        daemon.Listeners.Announce();
        daemon.Reloads.Open();
        _watching = daemon.Watch?.RunAsync(_stopping.Token) ?? Task.CompletedTask;
        LogStarted(_logger, DaemonVersion.Text, daemon.Listeners.Count, Model.Agents.Count, Model.Routes.Routes.Count);
        if (!Model.Configuration.BringsRequests)
        {
            LogNothingAsked(_logger, Warnings.NothingAsked);
        }

        _announcing = Model.Configuration.WaitForAgents ? AnnounceWhenCompleteAsync() : Announce();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var times = new ShutdownTimes(Model.Configuration);
        daemon.Reloads.Tell(null);
        notifier.Stopping("draining");
        notifier.ExtendTimeout(times.Total);
        await _stopping.CancelAsync();
        await daemon.Publisher.CloseAsync();
        await Task.WhenAll(_announcing, _watching);
        var steps = times.Steps(
            abort => daemon.Listeners.StopAsync(times.Exchanges, abort),
            _ => Task.WhenAll(daemon.Background.DisposeAsync().AsTask(), daemon.Pusher.DisposeAsync().AsTask()),
            abort => StopAgentsAsync(times, abort));
        await new ShutdownSequence(steps, daemon.Time, loggers.CreateLogger<ShutdownSequence>()).RunAsync(cancellationToken);
        LogStopped(_logger);
    }

    public void Dispose() => _stopping.Dispose();

    /// <summary>What a model is in one line, for the service manager.</summary>
    public static string StatusOf(RuntimeModel model) =>
        $"{model.Configuration.Listeners.Count} listeners, {model.Agents.Count} agents, model {model.Generation}";

    private Task StopAgentsAsync(ShutdownTimes times, CancellationToken cancellation)
    {
        var closing = daemon.Publisher.Agents.SelectMany(
            static agent => agent.Versions, (agent, version) => version.Pool.CloseAsync(times.DrainOf(agent.Id), cancellation));
        return Task.WhenAll([.. closing, StopChangesAsync()]);

        // Removals are changes, and wait for their turn.
        async Task StopChangesAsync()
        {
            await daemon.Removals.DisposeAsync();
            await daemon.Publisher.DisposeAsync();
            await daemon.Listeners.DisposeAsync();
        }
    }

    private Task Announce()
    {
        notifier.Ready(StatusOf(Model));
        daemon.Reloads.Tell(notifier);
        return Task.CompletedTask;
    }

    private async Task AnnounceWhenCompleteAsync()
    {
        while (!_stopping.IsCancellationRequested && Model.MissingAgents() is { Count: > 0 } missing)
        {
            notifier.Status($"waiting for {string.Join(", ", missing)}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), daemon.Time, _stopping.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!_stopping.IsCancellationRequested)
        {
            await Announce();
        }
    }

    [LoggerMessage(1, LogLevel.Information, "sidecar {Version} is up: {Listeners} listeners, {Agents} agents, {Routes} routes")]
    private static partial void LogStarted(ILogger logger, string version, int listeners, int agents, int routes);

    [LoggerMessage(5, LogLevel.Warning, "{Warning}")]
    private static partial void LogNothingAsked(ILogger logger, string warning);

    [LoggerMessage(2, LogLevel.Information, "sidecar is down")]
    private static partial void LogStopped(ILogger logger);
}
