using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

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
    private IConnectionListener? _listener;
    private Task _accepting = Task.CompletedTask;
    private long _accepted;
    private int _stopped;

    /// <summary>A server that is not listening yet.</summary>
    public AgentServer(IAgentHandler handler, AgentServerOptions options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(options);
        _handler = handler;
        _options = options;
        _loggers = loggers ?? NullLoggerFactory.Instance;
        _logger = _loggers.CreateLogger<AgentServer>();
    }

    /// <summary>The connections that are open.</summary>
    public ICollection<AgentConnection> Connections => _connections.Keys;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The path is taken.</exception>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        var transport = new SocketTransportOptions
        {
            Backlog = 4096,
            CreateBoundListenSocket = _options.CreateListenSocket ?? (_ => AgentSocket.Bind(_options.SocketPath, _options.SocketMode)),
        };
        var factory = new SocketTransportFactory(Options.Create(transport), _loggers);
        _listener = await factory.BindAsync(new UnixDomainSocketEndPoint(_options.SocketPath), cancellation).ConfigureAwait(false);
        Log.Listening(_logger, _options.SocketPath);
        using (ExecutionContext.SuppressFlow())
        {
            _accepting = AcceptAsync(_listener);
        }
    }

    /// <summary>Stops accepting, lets events in work finish within the time to drain, then closes every connection.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0 || _listener is null)
        {
            return;
        }

        await _listener.UnbindAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        await Task.WhenAll(_connections.Keys.Select(static connection => connection.StopAsync())).ConfigureAwait(false);
        await Task.WhenAll(_connections.Values).ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

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
        await connection.RunAsync().ConfigureAwait(false);
        await transport.DisposeAsync().ConfigureAwait(false);

        // The entry must exist before it is removed, or it would stay for ever.
        await added.ConfigureAwait(false);
        _connections.TryRemove(connection, out _);
    }
}
