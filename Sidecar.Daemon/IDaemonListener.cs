namespace Sidecar.Daemon;

/// <summary>A front door of the daemon as the host starts and stops it.</summary>
internal interface IDaemonListener
{
    /// <summary>Its name in logs.</summary>
    string Name { get; }

    /// <summary>Starts to listen; the socket accepts when this returns.</summary>
    Task StartAsync(CancellationToken cancellation);

    /// <summary>Stops accepting and lets requests under way finish until the token fires; then ends them.</summary>
    Task StopAsync(CancellationToken cancellation);
}
