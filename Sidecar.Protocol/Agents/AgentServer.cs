using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
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
    private readonly ILogger _logger;
    private readonly LogPace _pace;
    private readonly SocketListener _listener;
    private readonly SocketConnectionContextFactory _pipes;
    private readonly CancellationTokenSource _silenceEnds = new();
    private readonly Lock _gate = new();
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
        _logger = new BoundedLogger((loggers ?? NullLoggerFactory.Instance).CreateLogger<AgentServer>(), options.Time);
        _pace = new LogPace(options.Time);
        var accepting = new SocketListenerOptions
        {
            Name = options.SocketPath,
            MaxConnections = options.MaxConnections,

            // The protocol has no word for it before the handshake; a proxy that is closed on tries another connection at once.
            Refuse = static accepted => accepted.Close(),
            Time = options.Time,
        };
        _listener = new SocketListener(accepting, ServeAsync, _logger);

        // Data is there when a pipe is made: asking for it again costs more than the buffer that an idle connection of a proxy holds.
        _pipes = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions { WaitForDataBeforeAllocatingBuffer = false }, _logger);
    }

    /// <summary>The connections that are open and have begun to speak.</summary>
    public ICollection<AgentConnection> Connections => [.. _listener.Connections.Select(static accepted => accepted.Served).OfType<AgentConnection>()];

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The path is taken.</exception>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    public Task StartAsync(CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping is not null, this);
            _started = !_started ? true : throw new InvalidOperationException("the server was started already; make a new one to listen again");
            cancellation.ThrowIfCancellationRequested();
            var endPoint = new UnixDomainSocketEndPoint(_options.SocketPath);
            _listener.Start(_options.CreateListenSocket?.Invoke(endPoint) ?? AgentSocket.Bind(_options.SocketPath, _options.SocketMode));
        }

        Log.Listening(_logger, _options.SocketPath);
        return Task.CompletedTask;
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

    private async Task StopOnceAsync()
    {
        await _listener.StopAcceptingAsync().ConfigureAwait(false);
        await _silenceEnds.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(Connections.Select(static connection => connection.StopAsync())).ConfigureAwait(false);

        // Each closes within its own limits.
        await _listener.DrainAsync(CancellationToken.None).ConfigureAwait(false);
        _pipes.Dispose();
        _silenceEnds.Dispose();
    }

    private async Task ServeAsync(AcceptedSocket accepted)
    {
        if (await accepted.WaitForDataAsync(_options.HandshakeTimeout, _options.Time, _silenceEnds.Token).ConfigureAwait(false) is var first and not FirstData.Came)
        {
            if (first == FirstData.TimedOut && _pace.MayLog(AgentConnection.NoHandshake, out var leftOut))
            {
                Log.HandshakeRefused(_logger, $"no handshake within {_options.HandshakeTimeout}", leftOut);
            }

            accepted.Close();
            return;
        }

        var transport = _pipes.Create(accepted.Socket);
        var id = Interlocked.Increment(ref _accepted).ToString(CultureInfo.InvariantCulture);
        var connection = new AgentConnection(id, transport.Transport, _handler, _options, _logger, _pace);

        // Whoever stops the server looks through what is served after it has set the token.
        accepted.Served = connection;
        if (_silenceEnds.IsCancellationRequested)
        {
            await transport.DisposeAsync().ConfigureAwait(false);
            return;
        }

        await AgentTransport.ServeAsync(connection, transport, _options).ConfigureAwait(false);
        await connection.FinishAsync().ConfigureAwait(false);
    }
}
