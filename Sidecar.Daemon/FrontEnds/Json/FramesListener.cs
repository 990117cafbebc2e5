using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>A Unix socket on which scripts ask in frames.</summary>
internal sealed class FramesListener : IAsyncDisposable
{
    // What a transport may take to write out its last answer before it is cut off.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

    private readonly JsonListenerOptions _options;
    private readonly Decider _decider;
    private readonly SocketTransportFactory _transport;
    private readonly LogPace _pace;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<ConnectionContext, Task> _connections = new();
    private IConnectionListener? _listener;
    private Task _accepting = Task.CompletedTask;

    /// <summary>A listener that does not listen yet.</summary>
    /// <param name="options">What it bears.</param>
    /// <param name="inspector">Who is asked.</param>
    /// <param name="createListenSocket">Makes the bound socket.</param>
    /// <param name="loggers">Where it logs.</param>
    public FramesListener(JsonListenerOptions options, Inspector inspector, Func<EndPoint, Socket> createListenSocket, ILoggerFactory loggers)
    {
        _options = options;
        _logger = loggers.CreateLogger<FramesListener>();
        _decider = new Decider(options, inspector, loggers.CreateLogger<Decider>());
        _pace = new LogPace(inspector.Time);
        var transport = new SocketTransportOptions { CreateBoundListenSocket = createListenSocket };
        _transport = new SocketTransportFactory(Options.Create(transport), loggers);
    }

    /// <summary>Connections open now.</summary>
    public int Connections => _connections.Count;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The path cannot be used.</exception>
    public async Task StartAsync(string path, CancellationToken cancellation)
    {
        _listener = await _transport.BindAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
        using (ExecutionContext.SuppressFlow())
        {
            _accepting = AcceptAsync(_listener);
        }
    }

    /// <summary>Stops accepting and reading; questions under way are answered, then all connections are closed and open exchanges end.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_listener is not null)
        {
            await _listener.UnbindAsync(CancellationToken.None).ConfigureAwait(false);
            await _accepting.ConfigureAwait(false);
            await _stopping.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(_connections.Values).ConfigureAwait(false);
            await _listener.DisposeAsync().ConfigureAwait(false);
        }

        _decider.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync(IConnectionListener listener)
    {
        try
        {
            while (await listener.AcceptAsync(CancellationToken.None).ConfigureAwait(false) is { } transport)
            {
                if (_connections.Count < _options.MaxConnections)
                {
                    var added = new TaskCompletionSource();
                    _connections[transport] = ServeAsync(transport, added.Task);
                    added.SetResult();
                    continue;
                }

                if (_pace.MayLog("connections", out _))
                {
                    Log.TooManyConnections(_logger, _options.Name, _options.MaxConnections);
                }

                transport.Abort();
                await transport.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            Log.AcceptFailed(_logger, _options.Name, e);
        }
    }

    private async Task ServeAsync(ConnectionContext transport, Task added)
    {
        // The entry must exist before it is removed, or it would stay for ever.
        await added.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await new FramesConnection(_options, _decider, _pace, _logger)
            .RunAsync(transport.Transport, transport.ConnectionClosed, _stopping.Token).ConfigureAwait(false);
        var closing = transport.DisposeAsync().AsTask();
        try
        {
            await closing.WaitAsync(CloseTimeout, _decider.Time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            transport.Abort();
            await closing.ConfigureAwait(false);
        }

        _connections.TryRemove(transport, out _);
    }
}
