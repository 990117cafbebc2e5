namespace Sidecar.Daemon.Composition;

/// <summary>A listener of the daemon as the host starts and stops it.</summary>
internal interface IListener
{
    /// <summary>Its name in logs.</summary>
    string Name { get; }

    /// <summary>Starts to listen; the socket accepts when this returns.</summary>
    Task StartAsync(CancellationToken cancellation);

    /// <summary>The whole daemon is up: one that listened here before may end.</summary>
    void Announce()
    {
    }

    /// <summary>Another daemon listens here now: connections are sent there one by one, so that none is closed under a question.</summary>
    void Supersede()
    {
    }

    /// <summary>It is to go: new connections no longer find it. Where another listener has its place already, that keeps it.</summary>
    void Unlink()
    {
    }

    /// <summary>
    /// Waits until nothing is to come of the exchanges that have begun, or until the token fires. New ones are not inspected meanwhile,
    /// unless another daemon has taken over; proxies still connect, for they ask about responses on whichever connection.
    /// </summary>
    Task DrainAsync(CancellationToken timeIsUp) => Task.CompletedTask;

    /// <summary>Stops accepting and lets requests under way finish until the token fires; then ends them.</summary>
    Task StopAsync(CancellationToken cancellation);
}
