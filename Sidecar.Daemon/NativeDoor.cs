using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Native;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon;

/// <summary>The native listener with its socket file.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Stopping is what disposes of the listener.")]
internal sealed class NativeDoor(
    ListenerOptions listener, DaemonOptions options, Inspector inspector, UnixListenerSocket socket, ILoggerFactory loggers, IExchangeRelay? relay) : IDaemonListener
{
    private readonly NativeListener _listener = new(
        listener, options.MaxExchanges, options.ExchangeExpiry, inspector, socket.Bind, DaemonVersion.Text, loggers, options.DrainTimeout, relay);

    public string Name => listener.Name;

    public Task StartAsync(CancellationToken cancellation) => _listener.StartAsync(cancellation);

    public void Supersede() => _listener.Supersede();

    public Task DrainAsync(CancellationToken timeIsUp) => _listener.DrainAsync(timeIsUp);

    public async Task StopAsync(CancellationToken cancellation)
    {
        // The file goes before the listener stops, so that a new connection finds the successor or nobody.
        socket.Unlink();
        await _listener.DisposeAsync().AsTask().WaitAsync(cancellation).ConfigureAwait(false);
    }
}
