using System.Diagnostics.CodeAnalysis;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Daemon.Composition;

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
        await listener.DisposeAsync().AsTask().WaitAsync(cancellation).ConfigureAwait(false);
    }
}
