using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>
/// An agent that dials in: it registers with the proxy, answers by its handler, and dials again for ever when a connection ends (spec §8).
/// </summary>
/// <remarks>The proxy may be absent, refuse, or restart at any time. All members are safe from any thread.</remarks>
/// <example><code>
/// var options = new ReverseAgentOptions { AgentId = "waf", SocketPath = path, Capabilities = capabilities };
/// await using var agent = new ReverseAgent(new MyHandler(), options);
/// await agent.RunAsync();
/// </code></example>
public sealed class ReverseAgent : IAsyncDisposable
{
    private readonly IAgentHandler _handler;
    private readonly ReverseAgentOptions _options;
    private readonly ILogger _logger;
    private readonly LogThrottle _throttle;
    private readonly WorkQueue _workers;
    private readonly ConcurrentDictionary<AgentConnection, bool> _connections = new();
    private readonly ConcurrentDictionary<AgentConnection, Task> _ended = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _stopSignal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _registered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private Task _running = Task.CompletedTask;
    private Task? _stopping;
    private volatile string? _lastRefusal;
    private bool _started;

    /// <summary>An agent that does not dial yet.</summary>
    /// <exception cref="ArgumentException">The agent id is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There are to be no connections, waits that are none or reversed, or no workers, or more than
    /// <see cref="AgentConnectionOptions.MostWorkers"/>.
    /// </exception>
    public ReverseAgent(IAgentHandler handler, ReverseAgentOptions options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.AgentId);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Connections, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.ReconnectMin, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReconnectMax, options.ReconnectMin);
        _handler = handler;
        _options = options;
        _logger = new BoundedLogger((loggers ?? NullLoggerFactory.Instance).CreateLogger<ReverseAgent>(), options.Time);
        _throttle = new LogThrottle(options.Time);
        _workers = new WorkQueue(options, _logger);
    }

    /// <summary>The connections that are registered and open.</summary>
    public ICollection<AgentConnection> Connections => _connections.Keys;

    /// <summary>
    /// What the proxy said when it last refused a registration; null when none was refused since the last that succeeded.
    /// </summary>
    public string? LastRefusal => _lastRefusal;

    /// <summary>
    /// Dials, serves until it is told to stop, and stops as <see cref="StopAsync"/> does: all that a program needs that is an agent and
    /// nothing else.
    /// </summary>
    /// <param name="cancellation">
    /// When to stop. Without one, SIGTERM and SIGINT (Ctrl+C) tell; a second signal ends the process at once, whatever its handlers do.
    /// </param>
    /// <returns>
    /// Completes without an exception when it was told to stop, by this or by <see cref="StopAsync"/>, and everything is closed.
    /// </returns>
    /// <exception cref="InvalidOperationException">
    /// It was started before. This and what follows is thrown before anything is dialled.
    /// </exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    public async Task RunAsync(CancellationToken cancellation = default)
    {
        using var end = new EndOfRun(cancellation);
        Start();
        await end.WaitAsync(_stopSignal.Task).ConfigureAwait(false);
        await StopAsync().ConfigureAwait(false);
    }

    /// <summary>Begins to dial.</summary>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    public void Start()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping is not null, this);
            _started = !_started ? true : throw new InvalidOperationException("the agent was started already");
            using (ExecutionContext.SuppressFlow())
            {
                _running = Task.WhenAll(Enumerable.Range(1, _options.Connections).Select(_ => Task.Run(KeepAsync, CancellationToken.None)));
            }
        }
    }

    /// <summary>Completes when the first connection is registered.</summary>
    /// <exception cref="ObjectDisposedException">The agent was stopped before.</exception>
    public Task WaitForRegistrationAsync(CancellationToken cancellation = default) => _registered.Task.WaitAsync(cancellation);

    /// <summary>
    /// Dials no more, lets events in work finish within the time to drain, then closes every connection. Every call waits for the end.
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
        _registered.TrySetException(new ObjectDisposedException(nameof(ReverseAgent)));
        _ = _registered.Task.Exception;
        _stopSignal.TrySetResult();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        await Task.WhenAll(_ended.Values).ConfigureAwait(false);
        _stop.Dispose();
        _workers.Dispose();
    }

    private async Task KeepAsync()
    {
        // Jitter needs no secrecy, only that agents which lost one proxy do not come back together.
        var backoff = new Backoff(_options.ReconnectMin, _options.ReconnectMax, new Random());
        var stop = _stop.Token;
        while (!stop.IsCancellationRequested)
        {
            // A connection that dies as soon as it is up is a failure like one that never came up.
            if (await KeepOneAsync(stop).ConfigureAwait(false) >= _options.ReconnectMax)
            {
                backoff.Reset();
            }

            await Task.Delay(backoff.Next(), _options.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Returns how long the connection was up.
    private async Task<TimeSpan> KeepOneAsync(CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var owned = true;
        try
        {
            var response = await RegisterAsync(socket, stop).ConfigureAwait(false);
            if (!response.Success)
            {
                Refused(response.Error ?? "no reason given");
                return TimeSpan.Zero;
            }

            await using var pipes = new SocketPipes(socket);
            owned = false;
            return await ServeAsync(pipes, response).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return TimeSpan.Zero;
        }
        catch (Exception e)
        {
            if (_throttle.MayLog("unreachable", out var leftOut))
            {
                var reason = e switch
                {
                    OperationCanceledException => $"no answer within {_options.HandshakeTimeout}",
                    SocketException refused => UnixSocketErrors.Describe(refused),
                    _ => e.Message,
                };
                Log.ProxyUnreachable(_logger, _options.AgentId, _options.SocketPath, reason, leftOut);
            }

            return TimeSpan.Zero;
        }
        finally
        {
            if (owned)
            {
                socket.Dispose();
            }
        }
    }

    private async Task<RegistrationResponse> RegisterAsync(Socket socket, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(_options.HandshakeTimeout, _options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_options.SocketPath), either.Token).ConfigureAwait(false);
        var stream = new NetworkStream(socket, ownsSocket: false);
        await using (stream.ConfigureAwait(false))
        {
            return await Registration.AskAsync(stream, Negotiation.Register(_options), either.Token).ConfigureAwait(false);
        }
    }

    private async Task<TimeSpan> ServeAsync(SocketPipes pipes, RegistrationResponse response)
    {
        var connection = new AgentConnection(response.ConnectionId, pipes, _handler, _options, _workers, response, _logger);
        var since = _options.Time.GetTimestamp();
        var serving = connection.RunAsync();
        _connections[connection] = true;
        _lastRefusal = null;
        if (_throttle.MayLog("registered", out var leftOut))
        {
            Log.Registered(_logger, _options.AgentId, _options.SocketPath, response.ProxyId, response.ProxyVersion, leftOut);
        }

        _registered.TrySetResult();
        await Task.WhenAny(serving, _stopSignal.Task).ConfigureAwait(false);
        if (!serving.IsCompleted)
        {
            await connection.StopAsync().ConfigureAwait(false);
        }

        await serving.ConfigureAwait(false);
        pipes.Dispose();
        _connections.TryRemove(connection, out _);
        LeaveBehind(connection);
        return _options.Time.GetElapsedTime(since);
    }

    // The next dial does not wait for handlers of a connection that is gone; only the end of the agent does, and each for its time to drain
    // at most.
    private void LeaveBehind(AgentConnection connection)
    {
        var added = new TaskCompletionSource();
        _ended[connection] = WaitAsync();
        added.SetResult();

        async Task WaitAsync()
        {
            await connection.FinishAsync().ConfigureAwait(false);

            // The entry must exist before it is removed, or it would stay for ever.
            await added.Task.ConfigureAwait(false);
            _ended.TryRemove(connection, out _);
        }
    }

    private void Refused(string reason)
    {
        _lastRefusal = reason;
        if (_throttle.MayLog("refused", out var leftOut))
        {
            Log.RegistrationRefused(_logger, _options.AgentId, _options.SocketPath, reason, leftOut);
        }
    }
}
