using Sidecar.Daemon.Takeover;

namespace Sidecar.Daemon.Composition;

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
                await links.ConnectAsync(cancellation).ConfigureAwait(false);
            }

            await listener.StartAsync(cancellation).ConfigureAwait(false);
            if (!replaces)
            {
                links.Listen(awaitsName: false);
            }
        }
        catch
        {
            await links.DisposeAsync().ConfigureAwait(false);
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
            await listener.StopAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await links.DisposeAsync().ConfigureAwait(false);
        }
    }
}
