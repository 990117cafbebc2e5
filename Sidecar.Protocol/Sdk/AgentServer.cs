using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>An agent that listens on a Unix socket and answers by its handler.</summary>
/// <example><code>
/// await using var server = new AgentServer(new MyHandler(), new AgentServerOptions { SocketPath = path, Capabilities = capabilities });
/// await server.RunAsync();
/// </code></example>
public sealed class AgentServer : IAsyncDisposable
{
    private readonly IAgentHandler _handler;
    private readonly AgentServerOptions _options;
    private readonly ILogger _logger;
    private readonly LogThrottle _throttle;
    private readonly WorkQueue _workers;
    private readonly SocketListener _listener;
    private readonly CancellationTokenSource _silenceEnds = new();
    private readonly TaskCompletionSource _stopSignal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private Task? _stopping;
    private bool _started;
    private long _accepted;

    /// <summary>A server that is not listening yet.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There are to be no workers, or more than <see cref="AgentConnectionOptions.MostWorkers"/>.
    /// </exception>
    public AgentServer(IAgentHandler handler, AgentServerOptions options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(options);
        _handler = handler;
        _options = options;
        _logger = new BoundedLogger((loggers ?? NullLoggerFactory.Instance).CreateLogger<AgentServer>(), options.Time);
        _throttle = new LogThrottle(options.Time);
        _workers = new WorkQueue(options, _logger);
        var accepting = new SocketListenerOptions
        {
            Name = options.SocketPath,
            MaxConnections = options.MaxConnections,

            // The protocol has no word for it before the handshake; a proxy that is closed on tries another connection at once.
            Refuse = static accepted => accepted.Close(),
            Time = options.Time,
        };
        _listener = new SocketListener(accepting, ServeAsync, _logger);
    }

    /// <summary>The connections that are open and have begun to speak.</summary>
    public ICollection<AgentConnection> Connections =>
        [.. _listener.Connections.Select(static accepted => accepted.Served).OfType<AgentConnection>()];

    /// <summary>
    /// Listens, serves until it is told to stop, and stops as <see cref="StopAsync"/> does: all that a program needs that is an agent and
    /// nothing else.
    /// </summary>
    /// <param name="cancellation">
    /// When to stop. Without one, SIGTERM and SIGINT (Ctrl+C) tell; a second signal ends the process at once, whatever its handlers do.
    /// </param>
    /// <returns>
    /// Completes without an exception when it was told to stop, by this or by <see cref="StopAsync"/>, and everything is closed.
    /// </returns>
    /// <exception cref="IOException">The path is taken. This and what follows is thrown before anything is served.</exception>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    public async Task RunAsync(CancellationToken cancellation = default)
    {
        using var end = new EndOfRun(cancellation);
        await StartAsync(CancellationToken.None).ConfigureAwait(false);
        await end.WaitAsync(_stopSignal.Task).ConfigureAwait(false);
        await StopAsync().ConfigureAwait(false);
    }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The path is taken.</exception>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    public Task StartAsync(CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping is not null, this);
            _started = !_started
                ? true
                : throw new InvalidOperationException("the server was started already; make a new one to listen again");
            cancellation.ThrowIfCancellationRequested();
            var endPoint = new UnixDomainSocketEndPoint(_options.SocketPath);
            _listener.Start(_options.CreateListenSocket?.Invoke(endPoint) ?? AgentSocket.Bind(_options.SocketPath, _options.SocketMode));
        }

        Log.Listening(_logger, _options.SocketPath);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Stops accepting, lets events in work finish within the time to drain, then closes every connection. Every call waits for the end.
    /// </summary>
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
        _stopSignal.TrySetResult();
        await _listener.StopAcceptingAsync().ConfigureAwait(false);
        await _silenceEnds.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(Connections.Select(static connection => connection.StopAsync())).ConfigureAwait(false);

        // Each closes within its own limits.
        await _listener.DrainAsync(CancellationToken.None).ConfigureAwait(false);
        _silenceEnds.Dispose();
        _workers.Dispose();
    }

    private async Task ServeAsync(AcceptedSocket accepted)
    {
        var first = await accepted.WaitForDataAsync(_options.HandshakeTimeout, _options.Time, _silenceEnds.Token, SocketPipes.ReadAhead)
            .ConfigureAwait(false);
        if (first != FirstData.Came)
        {
            if (first == FirstData.TimedOut && _throttle.MayLog(AgentHandshake.Missing, out var leftOut))
            {
                Log.HandshakeRefused(_logger, $"no handshake within {_options.HandshakeTimeout}", leftOut);
            }

            accepted.Close();
            return;
        }

        await using var pipes = accepted.Open();
        var id = Interlocked.Increment(ref _accepted).ToString(CultureInfo.InvariantCulture);
        var connection = new AgentConnection(id, pipes, _handler, _options, _workers, _logger, _throttle);

        // Whoever stops the server looks through what is served after it has set the token.
        accepted.Served = connection;
        if (_silenceEnds.IsCancellationRequested)
        {
            return;
        }

        await connection.RunAsync().ConfigureAwait(false);
        pipes.Dispose();
        await connection.FinishAsync().ConfigureAwait(false);
    }
}
