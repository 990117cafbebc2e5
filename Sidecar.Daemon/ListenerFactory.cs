using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Native;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon;

/// <summary>Builds the listeners that the options name.</summary>
internal sealed class ListenerFactory(DaemonOptions options, Inspector inspector, ILoggerFactory loggers)
{
    /// <summary>All listeners, in the order they were given.</summary>
    public IReadOnlyList<IDaemonListener> CreateAll() => [.. options.Listeners.Select(Create)];

    private IDaemonListener Create(ListenerOptions listener) => listener.Kind switch
    {
        ListenerKind.Native => new NativeDoor(listener, options, inspector, SocketOf(listener), loggers),
        _ => throw new InvalidOperationException($"no listener of kind {listener.Kind}"),
    };

    private UnixListenerSocket SocketOf(ListenerOptions listener) => new(
        new UnixListenerOptions { Mode = listener.Mode, Group = listener.Group, AllowTakeover = options.AllowTakeover },
        loggers.CreateLogger<UnixListenerSocket>());

    // A socket file and a listener that are started and stopped together; the listener's own end is its StopAsync.
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "Stopping is what disposes of the listener.")]
    private sealed class NativeDoor(
        ListenerOptions listener, DaemonOptions options, Inspector inspector, UnixListenerSocket socket, ILoggerFactory loggers) : IDaemonListener
    {
        private readonly NativeListener _listener = new(
            listener, options.MaxExchanges, options.ExchangeExpiry, inspector, socket.Bind, DaemonVersion.Text, loggers);

        public string Name => listener.Name;

        public Task StartAsync(CancellationToken cancellation) => _listener.StartAsync(cancellation);

        public async Task StopAsync(CancellationToken cancellation)
        {
            // The file goes first, so that a new connection finds the successor or nobody, never a listener that stops.
            socket.Unlink();
            await _listener.DisposeAsync().AsTask().WaitAsync(cancellation).ConfigureAwait(false);
        }
    }
}
