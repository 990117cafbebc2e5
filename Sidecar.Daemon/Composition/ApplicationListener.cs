using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Daemon.Composition;

/// <summary>An HTTP listener with what answers on it.</summary>
/// <param name="name">Its name.</param>
/// <param name="listener">The listener.</param>
/// <param name="application">What answers.</param>
/// <param name="logger">Is told where it listens; null where the name says enough.</param>
internal sealed class ApplicationListener<TContext>(
    string name, KestrelListener listener, IHttpApplication<TContext> application, ILogger? logger = null) : IListener
    where TContext : notnull
{
    public string Name => name;

    public async Task StartAsync(CancellationToken cancellation)
    {
        await listener.StartAsync(application, cancellation).ConfigureAwait(false);
        if (logger is not null)
        {
            ListenerLog.Listens(logger, name, listener.Address);
        }
    }

    public void Supersede() => listener.Leave();

    public void Unlink() => listener.Unlink();

    public Task DrainAsync(CancellationToken timeIsUp) => listener.DrainAsync(timeIsUp);

    public async Task StopAsync(CancellationToken cancellation)
    {
        await listener.StopAsync(cancellation).ConfigureAwait(false);
        await listener.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>What listeners log. Id 3.</summary>
internal static partial class ListenerLog
{
    [LoggerMessage(3, LogLevel.Information, "listener {Listener} listens at {Address}")]
    public static partial void Listens(ILogger logger, string listener, string address);
}
