using Sidecar.Daemon.Takeover;

namespace Sidecar.Daemon.Composition;

/// <summary>A listener with its links to other daemons at the same path: it is linked before it takes the path, and as long as it serves.</summary>
/// <param name="listener">The listener.</param>
/// <param name="links">Its links.</param>
/// <param name="takesOver">Whether it may take the path from another daemon.</param>
internal sealed class LinkedListener(IListener listener, TakeoverLinks links, bool takesOver) : IListener
{
    private bool _superseded;

    public string Name => listener.Name;

    public async Task StartAsync(CancellationToken cancellation)
    {
        try
        {
            if (takesOver)
            {
                await links.ConnectAsync(cancellation).ConfigureAwait(false);
            }

            await listener.StartAsync(cancellation).ConfigureAwait(false);
            links.Listen();
        }
        catch
        {
            await links.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public void Announce() => links.Announce();

    public void Supersede() => TrySupersede();

    /// <summary>Another listener has its place; false when that has been said before.</summary>
    public bool TrySupersede()
    {
        if (Interlocked.Exchange(ref _superseded, true))
        {
            return false;
        }

        listener.Supersede();
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
