using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.FrontEnds.Json;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon;

/// <summary>The listener for frames with its socket file.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Stopping is what disposes of the listener.")]
internal sealed class FramesDoor(JsonListenerOptions options, string path, Inspector inspector, UnixListenerSocket socket, ILoggerFactory loggers, IExchangeRelay? relay) : IDaemonListener
{
    private readonly FramesListener _listener = new(options, inspector, socket.Bind, loggers, relay);

    public string Name => options.Name;

    public Task StartAsync(CancellationToken cancellation)
    {
        _listener.Start(path);
        return Task.CompletedTask;
    }

    public void Supersede() => _listener.Supersede();

    public Task DrainAsync(CancellationToken timeIsUp) => _listener.DrainAsync(timeIsUp);

    public async Task StopAsync(CancellationToken cancellation)
    {
        // The file goes before the listener stops, so that a new connection finds the successor or nobody.
        socket.Unlink();
        await _listener.DisposeAsync().AsTask().WaitAsync(cancellation).ConfigureAwait(false);
    }
}
