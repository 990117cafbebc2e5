using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>A proxy's connection, seen from the agent.</summary>
/// <remarks>
/// Handlers may use it to speak by themselves: health, metrics, flow control. All members are safe from any thread. The read loop only
/// decodes and queues; handlers run on the thread pool, so a slow one delays neither pings nor cancels (spec §5.2), unless
/// <see cref="AgentConnectionOptions.HandlerNeverBlocks"/> says that they never wait, or more is outstanding than
/// <see cref="AgentConnectionOptions.MaxOutstandingEvents"/>.
/// </remarks>
public sealed class AgentConnection : IFrameHandler
{
    private static readonly TimeSpan CancelGrace = TimeSpan.FromSeconds(1);

    private readonly AgentConnectionOptions _options;
    private readonly IAgentHandler _handler;
    private readonly WorkQueue _workers;
    private readonly ILogger _logger;
    private readonly AgentHandshake _handshake;
    private readonly AgentDialect _dialect;
    private readonly FrameConnection _frames;
    private readonly TaskCompletionSource _introduced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MessageEncoding? _encoding;
    private EventDispatcher? _events;
    private volatile bool _gaveUp;
    private long _skipped;

    /// <summary>A connection whose proxy has yet to introduce itself by a handshake.</summary>
    internal AgentConnection(
        string id, IDuplexPipe pipe, IAgentHandler handler, AgentServerOptions options, WorkQueue workers, ILogger logger,
        LogThrottle? pace = null)
        : this(id, pipe, handler, options, request => Negotiation.Answer(request, options), workers, logger, pace)
    {
    }

    /// <summary>A connection that is a stream of gRPC, whose proxy has yet to introduce itself by a handshake.</summary>
    internal AgentConnection(
        string id, IDuplexPipe pipe, IAgentHandler handler, GrpcAgentServerOptions options, WorkQueue workers, ILogger logger,
        LogThrottle? pace = null)
        : this(
            id, pipe, handler, options, request => Negotiation.Answer(request, options.Capabilities), workers, logger, pace,
            GrpcDialect.Instance)
    {
    }

    /// <summary>
    /// A connection on which the agent has registered itself: there is no handshake any more, and JSON is spoken (spec §8).
    /// </summary>
    internal AgentConnection(
        string id, IDuplexPipe pipe, IAgentHandler handler, ReverseAgentOptions options, WorkQueue workers,
        RegistrationResponse registered, ILogger logger)
        : this(
            id, pipe, handler, options, static _ => throw new ProtocolException("the connection is registered already"), workers, logger,
            null) =>
        Begin(registered.ProxyId, registered.ProxyVersion, MessageEncodings.Json);

    private AgentConnection(
        string id,
        IDuplexPipe pipe,
        IAgentHandler handler,
        AgentConnectionOptions options,
        Func<HandshakeRequest, HandshakeResponse> negotiate,
        WorkQueue workers,
        ILogger logger,
        LogThrottle? pace,
        AgentDialect? dialect = null)
    {
        Id = id;
        _handler = handler;
        _workers = workers;
        _logger = logger;
        _options = options;
        _dialect = dialect ?? AgentDialect.Native;
        _frames = new FrameConnection(pipe, options.Connection with { Time = options.Time, Format = _dialect.AgentFormat });
        _handshake = new AgentHandshake(_frames, _dialect, negotiate, logger, pace ?? new LogThrottle(options.Time));
    }

    /// <summary>Names this connection in logs.</summary>
    public string Id { get; }

    /// <summary>The proxy's name; empty before the handshake.</summary>
    public string ProxyId { get; private set; } = "";

    /// <summary>Events that are not answered yet.</summary>
    public int Outstanding => _events?.Outstanding ?? 0;

    /// <summary>Frames of unknown or unexpected type that were skipped.</summary>
    public long SkippedFrames => Interlocked.Read(ref _skipped);

    /// <summary>Reports the agent's health to this proxy. False when it cannot be sent now.</summary>
    public bool TrySendHealth(HealthStatus health) =>
        TrySend(MessageType.HealthStatus, health, static (encoding, output, message) => encoding.WriteHealth(output, message));

    /// <summary>Reports the agent's metrics to this proxy. False when it cannot be sent now.</summary>
    public bool TrySendMetrics(MetricsReport metrics) =>
        TrySend(MessageType.MetricsReport, metrics, static (encoding, output, message) => encoding.WriteMetrics(output, message));

    /// <summary>Asks this proxy to pause, resume or mind a capacity. False when it cannot be sent now.</summary>
    public bool TrySendFlowControl(FlowControlSignal signal) =>
        TrySend(MessageType.FlowControl, signal, static (encoding, output, message) => encoding.WriteFlowControl(output, message));

    /// <summary>Asks this proxy for something about the agent's configuration. False when it cannot be sent now.</summary>
    public bool TrySendConfigUpdate(ConfigUpdateRequest request) =>
        TrySend(
            MessageType.ConfigUpdateRequest, request, static (encoding, output, message) => encoding.WriteConfigUpdate(output, message));

    /// <summary>
    /// Puts a line into this proxy's log. False when it cannot be sent now, or ever: only gRPC carries such lines (spec §6.8).
    /// </summary>
    public bool TrySendLog(AgentLogMessage message) =>
        _encoding is { CanLog: true }
            && TrySend(MessageType.Log, message, static (encoding, output, line) => encoding.WriteLog(output, line));

    Task? IFrameHandler.Pause => _events?.Pause;

    void IFrameHandler.OnFrame(MessageType type, ReadOnlyMemory<byte> payload)
    {
        // What arrives while the last answers are written cannot be answered any more.
        if (_frames.End != FrameConnectionEnd.None)
        {
            return;
        }

        if (_events is null)
        {
            if (_handshake.TryAccept(type, payload, out var request, out var encoding))
            {
                Begin(request.ProxyId, request.ProxyVersion, encoding);
            }

            return;
        }

        switch (type)
        {
            case >= MessageType.RequestHeaders and <= MessageType.Configure:
                _events.Take(type, payload);
                break;

            case MessageType.Ping when TryPong(payload):
                break;

            // A cancel has no answer and its loss costs only work, so a broken one is skipped like an unknown frame.
            case MessageType.Cancel when _events.TryCancel(payload):
                break;

            default:
                Skip(type);
                break;
        }
    }

    void IFrameHandler.OnEnd(FrameConnectionEnd end, Exception? error)
    {
        _introduced.TrySetResult();
        EndDetail = error?.Message;
        Log.Ended(_logger, Id, end, error);
        _events?.End();
    }

    /// <summary>Why the connection ended.</summary>
    internal FrameConnectionEnd End => _frames.End;

    /// <summary>What was wrong when it ended, in words; null when nothing was.</summary>
    internal string? EndDetail { get; private set; }

    /// <summary>Serves the connection until it ends. Handlers may still be in work; their tokens are cancelled.</summary>
    internal async Task RunAsync()
    {
        var running = _frames.RunAsync(this);
        try
        {
            await _introduced.Task.WaitAsync(_options.HandshakeTimeout, _options.Time).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            _handshake.Miss(_options.HandshakeTimeout, e);
        }

        await running.ConfigureAwait(false);
    }

    /// <summary>Lets events in work finish, then closes; cancels what is left when the time to drain is up.</summary>
    internal async Task StopAsync()
    {
        if (_options.Capabilities.Features.HealthReporting)
        {
            TrySendHealth(new HealthStatus { AgentId = _options.Capabilities.AgentId, State = HealthState.Draining });
        }

        await WaitForHandlersAsync().ConfigureAwait(false);
        _frames.Close();
    }

    /// <summary>The connection has ended: waits for its handlers, then tells theirs that it is gone. Never throws.</summary>
    internal async Task FinishAsync()
    {
        await WaitForHandlersAsync().ConfigureAwait(false);
        try
        {
            _handler.OnDisconnected(this);
        }
        catch (Exception e)
        {
            Log.CancellationCallbackFailed(_logger, e);
        }
    }

    /// <summary>Waits until every handler has returned, or the time to drain is up, which is spent only once.</summary>
    internal async Task WaitForHandlersAsync()
    {
        if (_events is null || _gaveUp)
        {
            return;
        }

        try
        {
            await _events.WhenIdleAsync().WaitAsync(_options.DrainTimeout, _options.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _gaveUp = true;
            Log.NotDrained(_logger, Id, Outstanding);
            _events.CancelAll();

            // A handler that heeds its token still gets its answer out; one that does not is left behind.
            await _events.WhenIdleAsync().WaitAsync(CancelGrace, _options.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Begin(string proxyId, string proxyVersion, MessageEncoding encoding)
    {
        ProxyId = proxyId;
        _encoding = encoding;
        _events = new EventDispatcher(this, _frames, _dialect, encoding, _handler, _options, _workers, _logger);
        Log.Connected(_logger, Id, proxyId, proxyVersion, encoding.Name);
        _introduced.TrySetResult();
    }

    // False when it is no ping. A pong that finds no room is dropped: a peer that leaves 1 MiB unread hears enough of us.
    private bool TryPong(ReadOnlyMemory<byte> payload)
    {
        var frame = FrameBuffer.Rent(MessageType.Pong);
        try
        {
            _dialect.WritePong(frame, payload, (ulong)_options.Time.GetUtcNow().ToUnixTimeMilliseconds());
        }
        catch (ProtocolException)
        {
            frame.Dispose();
            return false;
        }

        _events!.SendPong(frame);
        return true;
    }

    private void Skip(MessageType type)
    {
        Interlocked.Increment(ref _skipped);
        Log.Skipped(_logger, type);
    }

    private bool TrySend<T>(MessageType type, T message, Action<MessageEncoding, IBufferWriter<byte>, T> write)
    {
        if (_encoding is not { } encoding)
        {
            return false;
        }

        using var frame = FrameBuffer.Rent(type);
        write(encoding, frame, message);
        return _frames.TrySend(frame.Finish()) == SendStatus.Sent;
    }
}
