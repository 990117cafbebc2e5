using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Daemon.Composition;

/// <summary>An HTTP listener with what answers on it.</summary>
/// <param name="name">Its name.</param>
/// <param name="listener">The listener.</param>
/// <param name="application">What answers.</param>
/// <param name="logger">Is told where it listens; null where the name says enough.</param>
internal sealed partial class ApplicationListener(
    string name, KestrelListener listener, IHttpApplication<IFeatureCollection> application, ILogger? logger = null) : IListener
{
    public string Name => name;

    /// <summary>What else to do when another daemon listens here.</summary>
    public Action OnSuperseded { get; init; } = static () => { };

    /// <summary>Waits for the exchanges that have begun.</summary>
    public Func<CancellationToken, Task> Draining { get; init; } = static _ => Task.CompletedTask;

    /// <summary>Is told what will cut off the requests under way, before the listener stops.</summary>
    public Action<CancellationToken> Stopping { get; init; } = static _ => { };

    /// <summary>Ends what the application works with, when nobody asks any more.</summary>
    public Func<CancellationToken, Task> Stopped { get; init; } = static _ => Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellation)
    {
        await listener.StartAsync(application, cancellation).ConfigureAwait(false);
        if (logger is not null)
        {
            LogListens(logger, name, listener.Address);
        }
    }

    public void Supersede()
    {
        OnSuperseded();
        listener.Leave();
    }

    public void Unlink() => listener.Unlink();

    public async Task DrainAsync(CancellationToken timeIsUp)
    {
        await Draining(timeIsUp).ConfigureAwait(false);
        await listener.DrainAsync(timeIsUp).ConfigureAwait(false);
    }

    public async Task StopAsync(CancellationToken cancellation)
    {
        Stopping(cancellation);
        await listener.StopAsync(cancellation).ConfigureAwait(false);
        await listener.DisposeAsync().ConfigureAwait(false);
        await Stopped(cancellation).ConfigureAwait(false);
    }

    [LoggerMessage(3, LogLevel.Information, "listener {Listener} listens at {Address}")]
    private static partial void LogListens(ILogger logger, string listener, string address);
}
