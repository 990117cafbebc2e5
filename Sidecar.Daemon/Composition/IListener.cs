using System.Diagnostics.CodeAnalysis;
using Sidecar.Daemon.Listeners;

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

/// <summary>A listener with its socket file, or an abstract name.</summary>
/// <param name="name">Its name in logs.</param>
/// <param name="socket">The file.</param>
/// <param name="listener">The listener, which stops when it is disposed of.</param>
/// <param name="start">Starts to listen.</param>
[SuppressMessage("Design", "CA1001", Justification = "Stopping is what disposes of the listener.")]
internal sealed class SocketFileListener(
    string name, UnixListenerSocket socket, IAsyncDisposable listener, Func<CancellationToken, Task> start)
    : IListener
{
    public string Name => name;

    /// <summary>What to do when another daemon listens here.</summary>
    public Action OnSuperseded { get; init; } = static () => { };

    /// <summary>Waits for the exchanges that have begun.</summary>
    public Func<CancellationToken, Task> Draining { get; init; } = static _ => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellation) => start(cancellation);

    public void Supersede() => OnSuperseded();

    public void Unlink() => socket.Unlink();

    public Task DrainAsync(CancellationToken timeIsUp) => Draining(timeIsUp);

    public async Task StopAsync(CancellationToken cancellation)
    {
        // The file goes before the listener stops, so that a new connection finds the successor or nobody.
        socket.Unlink();
        await listener.DisposeAsync().AsTask().WaitAsync(cancellation);
    }
}
