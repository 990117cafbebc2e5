using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Agents;

/// <summary>An agent that listens on a Unix socket and answers by its handler.</summary>
/// <example><code>
/// await using var server = new AgentServer(new MyHandler(), new AgentServerOptions { SocketPath = path, Capabilities = capabilities });
/// await server.StartAsync(cancellation);
/// </code></example>
public sealed class AgentServer : IAsyncDisposable
{
    private readonly IAgentHandler _handler;
    private readonly AgentServerOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<AgentConnection, Task> _connections = new();
    private readonly Lock _gate = new();
    private IConnectionListener? _listener;
    private Task _accepting = Task.CompletedTask;
    private Task? _stopping;
    private bool _started;
    private long _accepted;

    /// <summary>A server that is not listening yet.</summary>
    public AgentServer(IAgentHandler handler, AgentServerOptions options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(options);
        _handler = handler;
        _options = options;
        _loggers = loggers ?? NullLoggerFactory.Instance;
        _logger = new BoundedLogger(_loggers.CreateLogger<AgentServer>(), options.Time);
    }

    /// <summary>The connections that are open.</summary>
    public ICollection<AgentConnection> Connections => _connections.Keys;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The path is taken.</exception>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping is not null, this);
            _started = !_started ? true : throw new InvalidOperationException("the server was started already; make a new one to listen again");
        }

        var transport = new SocketTransportOptions
        {
            Backlog = 4096,

            // A few busy connections: asking for data twice costs more than the buffer that an idle one holds.
            WaitForDataBeforeAllocatingBuffer = false,
            CreateBoundListenSocket = _options.CreateListenSocket ?? (_ => AgentSocket.Bind(_options.SocketPath, _options.SocketMode)),
        };
        var factory = new SocketTransportFactory(Options.Create(transport), _loggers);
        var listener = await factory.BindAsync(new UnixDomainSocketEndPoint(_options.SocketPath), cancellation).ConfigureAwait(false);
        if (!TryListen(listener))
        {
            await listener.DisposeAsync().ConfigureAwait(false);
            throw new ObjectDisposedException(nameof(AgentServer));
        }

        Log.Listening(_logger, _options.SocketPath);
    }

    /// <summary>Stops accepting, lets events in work finish within the time to drain, then closes every connection. Every call waits for the end.</summary>
    public Task StopAsync()
    {
        lock (_gate)
        {
            return _stopping ??= StopOnceAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    // False when the server was stopped meanwhile.
    private bool TryListen(IConnectionListener listener)
    {
        lock (_gate)
        {
            if (_stopping is not null)
            {
                return false;
            }

            _listener = listener;
            using (ExecutionContext.SuppressFlow())
            {
                _accepting = AcceptAsync(listener);
            }

            return true;
        }
    }

    private async Task StopOnceAsync()
    {
        if (_listener is null)
        {
            return;
        }

        await _listener.UnbindAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        await Task.WhenAll(_connections.Keys.Select(static connection => connection.StopAsync())).ConfigureAwait(false);
        await Task.WhenAll(_connections.Values).ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
    }

    private async Task AcceptAsync(IConnectionListener listener)
    {
        try
        {
            while (await listener.AcceptAsync().ConfigureAwait(false) is { } transport)
            {
                if (_connections.Count >= _options.MaxConnections)
                {
                    Log.TooManyConnections(_logger, _options.MaxConnections);
                    transport.Abort();
                    await transport.DisposeAsync().ConfigureAwait(false);
                    continue;
                }

                var id = (++_accepted).ToString(CultureInfo.InvariantCulture);
                var connection = new AgentConnection(id, transport.Transport, _handler, _options, _logger);
                var added = new TaskCompletionSource();
                _connections[connection] = ServeAsync(connection, transport, added.Task);
                added.SetResult();
            }
        }
        catch (Exception e)
        {
            Log.AcceptFailed(_logger, e);
        }
    }

    private async Task ServeAsync(AgentConnection connection, ConnectionContext transport, Task added)
    {
        await AgentTransport.ServeAsync(connection, transport, _options).ConfigureAwait(false);
        await connection.FinishAsync().ConfigureAwait(false);

        // The entry must exist before it is removed, or it would stay for ever.
        await added.ConfigureAwait(false);
        _connections.TryRemove(connection, out _);
    }
}
