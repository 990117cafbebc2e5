using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.Composition;

/// <summary>Starts and stops everything in one order: agents first, then the listeners; listeners first, then agents.</summary>
internal sealed partial class DaemonService(
    ConfigurationSnapshot options,
    DaemonModel model,
    BackgroundCalls background,
    ConfigPusher pusher,
    AgentRemovals removals,
    IReadOnlyList<IListener> listeners,
    SystemdNotifier notifier,
    TimeProvider time,
    ILoggerFactory loggers) : IHostedService, IDisposable
{
    private readonly ShutdownTimes _times = new(options);
    private readonly ILogger _logger = loggers.CreateLogger<DaemonService>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<IListener> _started = [];
    private Task _announcing = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var agent in model.Agents)
        {
            agent.Current.Pool.Start();
        }

        try
        {
            foreach (var listener in listeners)
            {
                await listener.StartAsync(cancellationToken).ConfigureAwait(false);
                _started.Add(listener);
            }
        }
        catch
        {
            // A host that fails to start does not stop its services: what was started must not be left behind.
            await StopAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        foreach (var listener in _started)
        {
            listener.Announce();
        }

        LogStarted(_logger, DaemonVersion.Text, listeners.Count, model.Agents.Count, model.Routes.Count);
        _announcing = options.WaitForAgents ? AnnounceWhenCompleteAsync() : Announce();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        notifier.Stopping("draining");
        notifier.ExtendTimeout(_times.Total);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _announcing.ConfigureAwait(false);
        var sequence = new ShutdownSequence(
            _times.Steps(StopListenersAsync, _ => Task.WhenAll(background.DisposeAsync().AsTask(), pusher.DisposeAsync().AsTask()), StopAgentsAsync),
            time,
            loggers.CreateLogger<ShutdownSequence>());
        await sequence.RunAsync(cancellationToken).ConfigureAwait(false);
        LogStopped(_logger);
    }

    public void Dispose() => _stopping.Dispose();

    // What proxies ask through goes first: as long as they do, agents may register, and operators may look.
    private async Task StopListenersAsync(CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(_times.Exchanges, time);
        using var timeIsUp = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        var forProxies = _started.ToLookup(IsForProxies);
        await Task.WhenAll(forProxies[true].Select(listener => DrainAndStopAsync(listener, timeIsUp.Token, cancellation))).ConfigureAwait(false);
        await Task.WhenAll(forProxies[false].Select(listener => listener.StopAsync(cancellation))).ConfigureAwait(false);
    }

    private static async Task DrainAndStopAsync(IListener listener, CancellationToken timeIsUp, CancellationToken cancellation)
    {
        await listener.DrainAsync(timeIsUp).ConfigureAwait(false);
        await listener.StopAsync(cancellation).ConfigureAwait(false);
    }

    private bool IsForProxies(IListener listener) =>
        options.Listeners.FirstOrDefault(given => given.Name == listener.Name)?.Kind is not (ListenerKind.Admin or ListenerKind.Reverse);

    private Task StopAgentsAsync(CancellationToken cancellation) =>
        Task.WhenAll(
            [removals.DisposeAsync().AsTask(), .. model.Agents.Select(agent => agent.Current.Pool.CloseAsync(_times.DrainOf(agent.Id), cancellation))]);

    private Task Announce()
    {
        notifier.Ready($"{listeners.Count} listeners, {model.Agents.Count} agents");
        return Task.CompletedTask;
    }

    private async Task AnnounceWhenCompleteAsync()
    {
        while (!_stopping.IsCancellationRequested && model.MissingAgents() is { Count: > 0 } missing)
        {
            notifier.Status($"waiting for {string.Join(", ", missing)}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!_stopping.IsCancellationRequested)
        {
            await Announce().ConfigureAwait(false);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "sidecar {Version} is up: {Listeners} listeners, {Agents} agents, {Routes} routes")]
    private static partial void LogStarted(ILogger logger, string version, int listeners, int agents, int routes);

    [LoggerMessage(2, LogLevel.Information, "sidecar is down")]
    private static partial void LogStopped(ILogger logger);
}
