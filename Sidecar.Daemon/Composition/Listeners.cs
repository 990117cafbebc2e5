using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Listeners;
using Sidecar.Daemon.Takeover;

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
        await listener.StartAsync(application, cancellation);
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
        await Draining(timeIsUp);
        await listener.DrainAsync(timeIsUp);
    }

    public async Task StopAsync(CancellationToken cancellation)
    {
        Stopping(cancellation);
        await listener.StopAsync(cancellation);
        await listener.DisposeAsync();
        await Stopped(cancellation);
    }

    [LoggerMessage(3, LogLevel.Information, "listener {Listener} listens at {Address}")]
    private static partial void LogListens(ILogger logger, string listener, string address);
}

/// <summary>
/// A listener with its links to other daemons at the same path: it is linked before it takes the path, and as long as it serves.
/// </summary>
/// <param name="listener">The listener.</param>
/// <param name="links">Its links.</param>
/// <param name="takesOver">Whether it may take the path from another daemon.</param>
/// <param name="replaces">
/// Whether it replaces a listener of this daemon, which needs no link, and keeps the link's place until this one is announced.
/// </param>
internal sealed class LinkedListener(IListener listener, TakeoverLinks links, bool takesOver, bool replaces) : IListener
{
    private bool _superseded;

    public string Name => listener.Name;

    public async Task StartAsync(CancellationToken cancellation)
    {
        try
        {
            if (takesOver && !replaces)
            {
                await links.ConnectAsync(cancellation);
            }

            await listener.StartAsync(cancellation);
            if (!replaces)
            {
                links.Listen(awaitsName: false);
            }
        }
        catch
        {
            await links.DisposeAsync();
            throw;
        }
    }

    public void Announce()
    {
        if (replaces)
        {
            links.Listen(awaitsName: true);
        }

        links.Announce();
    }

    public void Supersede() => TrySupersede();

    /// <summary>Another listener has its place; false when that has been said before.</summary>
    public bool TrySupersede()
    {
        if (Interlocked.Exchange(ref _superseded, true))
        {
            return false;
        }

        listener.Supersede();
        links.Release();
        return true;
    }

    public void Unlink() => listener.Unlink();

    public Task DrainAsync(CancellationToken timeIsUp) => listener.DrainAsync(timeIsUp);

    public async Task StopAsync(CancellationToken cancellation)
    {
        try
        {
            await listener.StopAsync(cancellation);
        }
        finally
        {
            await links.DisposeAsync();
        }
    }
}
