using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>A listener that HAProxy's SPOE filters connect to.</summary>
internal sealed class SpopListener : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    // While one connection goes, HAProxy opens another to the successor; all at once would fail what it has queued for them.
    private static readonly TimeSpan LeaveInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LeavingInAll = TimeSpan.FromSeconds(2);

    // HAProxy has read and used its last answer by then.
    private static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(10);

    private static readonly PipeOptions Receiving = SocketPipes.Ahead(SpopListenerOptions.ReadAhead);

    private readonly SpopListenerOptions _options;
    private readonly SpopFrontEnd _frontEnd;
    private readonly Inspector _inspector;
    private readonly SidecarMetrics _metrics;
    private readonly ILogger _logger;
    private readonly SocketListener _listener;
    private readonly CancellationTokenSource _stopping = new();
    private SocketPollers? _pollers;
    private ITimer? _look;
    private Task _leaving = Task.CompletedTask;
    private volatile bool _isSuperseded;
    private long _accepted;
    private int _isDisposed;

    /// <summary>A listener that does not listen yet.</summary>
    /// <exception cref="ArgumentException">A header that the options name cannot be carried.</exception>
    public SpopListener(
        SpopListenerOptions options, Inspector inspector, SidecarMetrics metrics, ILoggerFactory loggers,
        IExchangeRelay? relay = null)
    {
        (_options, _inspector, _metrics) = (options, inspector, metrics);
        _logger = loggers.CreateLogger<SpopListener>();
        _frontEnd = new SpopFrontEnd(options, inspector, _logger, relay);
        var accepting = new SocketListenerOptions
        {
            Name = options.Name,
            MaxConnections = options.MaxConnections,
            Refuse = Refuse,
            Time = inspector.Time,
        };
        _listener = new SocketListener(accepting, ServeAsync, _logger);
    }

    /// <summary>Connections open now.</summary>
    public int Connections => _listener.Open;

    /// <summary>Exchanges that wait for their response.</summary>
    public int Waiting => _frontEnd.Waiting;

    /// <summary>Starts to listen.</summary>
    /// <param name="endPoint">Where.</param>
    /// <param name="createListenSocket">Makes the socket, bound.</param>
    /// <exception cref="IOException">The address cannot be used.</exception>
    public void Start(EndPoint endPoint, Func<EndPoint, Socket> createListenSocket)
    {
        _pollers = new SocketPollers($"listener {_options.Name}", _logger);
        _listener.Start(createListenSocket(endPoint));
        using (ExecutionContext.SuppressFlow())
        {
            _look = _inspector.Time.CreateTimer(static state => ((SpopListener)state!).Look(), this, LookInterval, LookInterval);
        }
    }

    /// <summary>
    /// Another daemon listens here now: says goodbye on one connection after the other, on each when nothing is in work there.
    /// </summary>
    public void Supersede()
    {
        _isSuperseded = true;
        _frontEnd.RefusesNew = false;
        _leaving = LeaveOneByOneAsync(_stopping.Token);
    }

    /// <summary>
    /// Waits until no exchange awaits its response, or until the token fires. New exchanges are not inspected meanwhile; after a takeover
    /// they are, until HAProxy has left every connection.
    /// </summary>
    public async Task DrainAsync(CancellationToken timeIsUp)
    {
        if (!_isSuperseded)
        {
            _frontEnd.RefusesNew = true;
            if (Waiting > 0)
            {
                Log.Draining(_logger, _options.Name, Waiting);
            }
        }

        do
        {
            await _frontEnd.WhenEmptyAsync(timeIsUp).ConfigureAwait(false);
            if (!_isSuperseded || (Connections == 0 && Waiting == 0))
            {
                return;
            }

            await Task.Delay(LeaveInterval, _inspector.Time, timeIsUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (!timeIsUp.IsCancellationRequested);
    }

    /// <summary>Stops accepting, answers what is in work and what comes before HAProxy has read our goodbye, ends open exchanges.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _listener.StopAcceptingAsync().ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _leaving.ConfigureAwait(false);
        foreach (var connection in Served())
        {
            connection.Leave(TimeSpan.Zero);
        }

        using (var limit = new CancellationTokenSource(_options.LeaveTimeout, _inspector.Time))
        {
            await _listener.DrainAsync(limit.Token).ConfigureAwait(false);
        }

        foreach (var connection in Served())
        {
            connection.Stop();
        }

        // Each ends by its deadlines.
        await _listener.DrainAsync(CancellationToken.None).ConfigureAwait(false);
        if (_look is not null)
        {
            await _look.DisposeAsync().ConfigureAwait(false);
        }

        if (_pollers is not null)
        {
            await _pollers.DisposeAsync().ConfigureAwait(false);
        }

        _frontEnd.Dispose();
        _stopping.Dispose();
    }

    private async Task LeaveOneByOneAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested && Served().ToList() is { Count: > 0 } connections)
        {
            var interval = LeavingInAll / connections.Count is var even && even < LeaveInterval ? even : LeaveInterval;
            foreach (var connection in connections)
            {
                connection.Leave(QuietTime);
                await Task.Delay(interval, _inspector.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private IEnumerable<SpopConnection> Served() =>
        _listener.Connections.Select(static accepted => accepted.Served).OfType<SpopConnection>();

    private void Look()
    {
        foreach (var connection in Served())
        {
            connection.Look();
        }
    }

    private void Refuse(AcceptedSocket accepted) =>
        accepted.CloseWith(Goodbye(SpopStatus.ResourceAllocation, $"{_options.MaxConnections} sessions are open; no more are taken"));

    private async Task ServeAsync(AcceptedSocket accepted)
    {
        _metrics.SessionStarted(_options.Name);
        var end = SpopConnectionEnd.Closed;
        try
        {
            end = await RunAsync(accepted).ConfigureAwait(false);
        }
        finally
        {
            _metrics.SessionEnded(_options.Name, end.Reason);
        }
    }

    private async Task<SpopConnectionEnd> RunAsync(AcceptedSocket accepted)
    {
        // HAProxy has a connection for each of its streams at worst, with little in flight on any: no thread for each.
        var pipes = accepted.Open(_pollers!.Next(), Receiving);
        var first = await accepted.WaitForDataAsync(_options.HelloTimeout, _inspector.Time, _stopping.Token).ConfigureAwait(false);
        if (first != FirstData.Came)
        {
            var end = first == FirstData.Stopped ? SpopConnectionEnd.Stopped : SpopConnectionEnd.NoHello(_options.HelloTimeout);
            accepted.CloseWith(Goodbye(end.Status.GetValueOrDefault(), end.Message));
            return end;
        }

        await using var closing = pipes.ConfigureAwait(false);
        var id = Interlocked.Increment(ref _accepted).ToString(CultureInfo.InvariantCulture);
        var connection = new SpopConnection(id, pipes, _frontEnd);

        // Whoever stops the listener looks through what is served after it has set the token.
        accepted.Served = connection;
        if (_stopping.IsCancellationRequested)
        {
            connection.Stop();
        }

        await connection.RunAsync().ConfigureAwait(false);
        return connection.End;
    }

    /// <summary>The frame that ends a connection.</summary>
    public static ReadOnlySpan<byte> Goodbye(SpopStatus status, string message)
    {
        var frame = new ArrayBufferWriter<byte>();
        SpopDisconnect.Write(frame, status, message);
        return frame.WrittenSpan;
    }
}
