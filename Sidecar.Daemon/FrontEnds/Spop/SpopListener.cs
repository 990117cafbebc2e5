using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections;
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
    private readonly ILogger _logger;
    private readonly LogPace _pace;
    private readonly SocketListener _listener;
    private readonly SocketConnectionContextFactory _pipes;
    private readonly CancellationTokenSource _stopping = new();
    private ITimer? _look;
    private long _accepted;
    private int _isDisposed;

    /// <summary>A listener that does not listen yet.</summary>
    /// <exception cref="ArgumentException">A header that the options name cannot be carried.</exception>
    public SpopListener(SpopListenerOptions options, int maxExchanges, TimeSpan expiry, Inspector inspector, SidecarMetrics metrics, ILoggerFactory loggers)
    {
        (_options, _inspector, _metrics) = (options, inspector, metrics);
        _logger = loggers.CreateLogger<SpopListener>();
        _pace = new LogPace(inspector.Time);
        _frontEnd = new SpopFrontEnd(options, maxExchanges, expiry, inspector, metrics, _logger);
        _pipes = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions { MaxReadBufferSize = SpopListenerOptions.ReadAhead }, _logger);
        var accepting = new SocketListenerOptions
        {
            Name = options.Name,
            MaxConnections = options.MaxSessions,
            LimitName = "sessions=",
            Refuse = Refuse,
            Time = inspector.Time,
        };
        _listener = new SocketListener(accepting, ServeAsync, _logger);
    }

    /// <summary>Connections open now.</summary>
    public int Sessions => _listener.Open;

    /// <summary>Exchanges that wait for their response.</summary>
    public int Waiting => _frontEnd.Waiting;

    /// <summary>Starts to listen.</summary>
    /// <param name="endPoint">Where.</param>
    /// <param name="createListenSocket">Makes the socket, bound.</param>
    /// <exception cref="IOException">The address cannot be used.</exception>
    public void Start(EndPoint endPoint, Func<EndPoint, Socket> createListenSocket)
    {
        _listener.Start(createListenSocket(endPoint));
        using (ExecutionContext.SuppressFlow())
        {
            _look = _inspector.Time.CreateTimer(static state => ((SpopListener)state!).Look(), this, LookInterval, LookInterval);
        }
    }

    /// <summary>Stops accepting, answers what is in work, says goodbye on every connection, ends open exchanges.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _listener.StopAcceptingAsync().ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var session in Served())
        {
            session.Stop();
        }

        // Each ends by its deadlines.
        await _listener.DrainAsync(CancellationToken.None).ConfigureAwait(false);
        if (_look is not null)
        {
            await _look.DisposeAsync().ConfigureAwait(false);
        }

        _frontEnd.Dispose();
        _pipes.Dispose();
        _stopping.Dispose();
    }

    private IEnumerable<SpopSession> Served() => _listener.Connections.Select(static accepted => accepted.Served).OfType<SpopSession>();

    private void Look()
    {
        foreach (var session in Served())
        {
            session.Look();
        }
    }

    private void Refuse(AcceptedSocket accepted) =>
        accepted.CloseWith(Goodbye(SpopStatus.ResourceAllocation, $"{_options.MaxSessions} sessions are open; no more are taken"));

    private async Task ServeAsync(AcceptedSocket accepted)
    {
        _metrics.SessionStarted(_options.Name);
        var end = SpopSessionEnd.Closed;
        try
        {
            end = await RunAsync(accepted).ConfigureAwait(false);
        }
        finally
        {
            _metrics.SessionEnded(_options.Name, end.Reason);
        }
    }

    private async Task<SpopSessionEnd> RunAsync(AcceptedSocket accepted)
    {
        var first = await accepted.WaitForDataAsync(_options.HelloTimeout, _inspector.Time, _stopping.Token).ConfigureAwait(false);
        if (first != FirstData.Came)
        {
            var end = first == FirstData.Stopped ? SpopSessionEnd.Stopped : SpopSessionEnd.NoHello(_options.HelloTimeout);
            accepted.CloseWith(Goodbye(end.Status.GetValueOrDefault(), end.Message));
            return end;
        }

        var connection = _pipes.Create(accepted.Socket);
        var id = Interlocked.Increment(ref _accepted).ToString(CultureInfo.InvariantCulture);
        var session = new SpopSession(id, connection.Transport, _frontEnd, _options, _inspector.BodyMemory, _inspector.Time, _logger, _pace);

        // Whoever stops the listener looks through what is served after it has set the token.
        accepted.Served = session;
        if (_stopping.IsCancellationRequested)
        {
            session.Stop();
        }

        await session.RunAsync().ConfigureAwait(false);
        await SocketTransport.CloseAsync(connection, _inspector.Time, _options.WriteTimeout).ConfigureAwait(false);
        return session.End;
    }

    private static ReadOnlySpan<byte> Goodbye(SpopStatus status, string message)
    {
        var frame = new ArrayBufferWriter<byte>();
        SpopDisconnect.Write(frame, status, message);
        return frame.WrittenSpan;
    }
}
