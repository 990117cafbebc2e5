using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon;

/// <summary>The spop listener with its socket: a file, or an abstract name.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Stopping is what disposes of the listener.")]
internal sealed class SpopDoor(
    ListenerOptions listener, DaemonOptions options, Inspector inspector, SidecarMetrics metrics, UnixListenerSocket socket, ILoggerFactory loggers, IExchangeRelay? relay) : IDaemonListener
{
    private readonly SpopListener _listener = Create(listener, options, inspector, metrics, loggers, relay);

    public string Name => listener.Name;

    public Task StartAsync(CancellationToken cancellation)
    {
        if (listener.AbstractName is { } name)
        {
            _listener.Start(AbstractSocket.EndPoint(name), AbstractSocket.Bind);
        }
        else
        {
            _listener.Start(new UnixDomainSocketEndPoint(listener.Path), socket.Bind);
        }

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

    private static SpopListener Create(ListenerOptions listener, DaemonOptions options, Inspector inspector, SidecarMetrics metrics, ILoggerFactory loggers, IExchangeRelay? relay)
    {
        try
        {
            return new SpopListener(OptionsOf(listener), options.MaxExchanges, options.ExchangeExpiry, inspector, metrics, loggers, relay);
        }
        catch (ArgumentException e)
        {
            // A header that cannot be carried: the operator's to mend, told in one line.
            throw new IOException($"listener {listener.Name}: {e.Message}", e);
        }
    }

    private static SpopListenerOptions OptionsOf(ListenerOptions listener)
    {
        var spop = listener.Spop;
        return new SpopListenerOptions
        {
            Name = listener.Name,
            Budget = listener.Budget,
            HasResponsePhase = spop.HasResponsePhase,
            UnknownExchange = listener.UnknownExchange,
            HeaderForm = spop.HeaderForm,
            SetHeaders = listener.SetHeaders,
            EditHeaders = listener.EditHeaders,
            ResponseHeaders = listener.ResponseHeaders,
            VariablePrefix = spop.VariablePrefix,
            MaxSessions = listener.Connections,
            MaxFrameSize = spop.MaxFrameSize,
        };
    }
}
