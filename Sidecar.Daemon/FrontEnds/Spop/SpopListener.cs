using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>A listener that HAProxy's SPOE filters connect to.</summary>
internal sealed class SpopListener : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly SpopListenerOptions _options;
    private readonly SpopFrontEnd _frontEnd;
    private readonly Inspector _inspector;
    private readonly SidecarMetrics _metrics;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly LogPace _pace;
    private readonly ConcurrentDictionary<SpopSession, Task> _sessions = new();
    private IConnectionListener? _listener;
    private ITimer? _look;
    private Task _accepting = Task.CompletedTask;
    private long _accepted;

    /// <summary>A listener that does not listen yet.</summary>
    /// <exception cref="ArgumentException">A header that the options name cannot be carried.</exception>
    public SpopListener(SpopListenerOptions options, int maxExchanges, TimeSpan expiry, Inspector inspector, SidecarMetrics metrics, ILoggerFactory loggers)
    {
        (_options, _inspector, _metrics, _loggers) = (options, inspector, metrics, loggers);
        _logger = loggers.CreateLogger<SpopListener>();
        _pace = new LogPace(inspector.Time);
        _frontEnd = new SpopFrontEnd(options, maxExchanges, expiry, inspector, metrics, _logger);
    }

    /// <summary>Connections open now.</summary>
    public int Sessions => _sessions.Count;

    /// <summary>Exchanges that wait for their response.</summary>
    public int Waiting => _frontEnd.Waiting;

    /// <summary>Starts to listen.</summary>
    /// <param name="endPoint">Where.</param>
    /// <param name="createListenSocket">Makes the socket, bound.</param>
    /// <param name="backlog">Connections that may wait for being accepted.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="IOException">The address cannot be used.</exception>
    public async Task StartAsync(EndPoint endPoint, Func<EndPoint, Socket> createListenSocket, int backlog, CancellationToken cancellation)
    {
        var transport = new SocketTransportOptions
        {
            Backlog = backlog,
            CreateBoundListenSocket = createListenSocket,
            MaxReadBufferSize = SpopListenerOptions.ReadAhead,
        };
        var factory = new SocketTransportFactory(Options.Create(transport), _loggers);
        _listener = await factory.BindAsync(endPoint, cancellation).ConfigureAwait(false);
        using (ExecutionContext.SuppressFlow())
        {
            _look = _inspector.Time.CreateTimer(static state => ((SpopListener)state!).Look(), this, LookInterval, LookInterval);
            _accepting = AcceptAsync(_listener);
        }
    }

    /// <summary>Stops accepting, answers what is in work, says goodbye on every connection, ends open exchanges.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_listener is not null)
        {
            await _listener.UnbindAsync().ConfigureAwait(false);
            await _accepting.ConfigureAwait(false);
            foreach (var session in _sessions.Keys)
            {
                session.Stop();
            }

            await Task.WhenAll(_sessions.Values).ConfigureAwait(false);
            await _listener.DisposeAsync().ConfigureAwait(false);
            _listener = null;
        }

        if (_look is not null)
        {
            await _look.DisposeAsync().ConfigureAwait(false);
        }

        _frontEnd.Dispose();
    }

    private void Look()
    {
        foreach (var session in _sessions.Keys)
        {
            session.Look();
        }
    }

    private async Task AcceptAsync(IConnectionListener listener)
    {
        try
        {
            while (await listener.AcceptAsync().ConfigureAwait(false) is { } connection)
            {
                if (_sessions.Count >= _options.MaxSessions)
                {
                    await RefuseAsync(connection).ConfigureAwait(false);
                    continue;
                }

                var id = (++_accepted).ToString(CultureInfo.InvariantCulture);
                var session = new SpopSession(id, connection.Transport, _frontEnd, _options, _inspector.BodyMemory, _inspector.Time, _logger, _pace);
                _metrics.SessionStarted(_options.Name);
                var added = new TaskCompletionSource();
                _sessions[session] = ServeAsync(session, connection, added.Task);
                added.SetResult();
            }
        }
        catch (Exception e)
        {
            Log.AcceptFailed(_logger, e, _options.Name);
        }
    }

    private async Task RefuseAsync(ConnectionContext connection)
    {
        if (_pace.MayLog("sessions", out var more))
        {
            Log.TooManySessions(_logger, _options.Name, _options.MaxSessions, more);
        }

        // A new socket has room for it, so nobody is waited for.
        SpopDisconnect.Write(connection.Transport.Output, SpopStatus.ResourceAllocation, $"{_options.MaxSessions} sessions are open; no more are taken");
        await connection.Transport.Output.CompleteAsync().ConfigureAwait(false);
        await CloseAsync(connection).ConfigureAwait(false);
    }

    private async Task ServeAsync(SpopSession session, ConnectionContext connection, Task added)
    {
        // Not on the accept loop: a peer that has sent already would be served by it.
        await Task.Yield();
        await session.RunAsync().ConfigureAwait(false);
        await CloseAsync(connection).ConfigureAwait(false);

        // The entry must exist before it is removed, or it would stay for ever.
        await added.ConfigureAwait(false);
        _sessions.TryRemove(session, out _);
        _metrics.SessionEnded(_options.Name, session.End.Reason);
    }

    // The transport writes out what it holds before it closes, which a peer that does not read would put off for ever.
    private async Task CloseAsync(ConnectionContext connection)
    {
        var closing = connection.DisposeAsync().AsTask();
        try
        {
            await closing.WaitAsync(_options.WriteTimeout, _inspector.Time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            connection.Abort();
            await closing.ConfigureAwait(false);
        }
    }
}
