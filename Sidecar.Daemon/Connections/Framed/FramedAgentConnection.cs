using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections.Framed;

/// <summary>
/// A connection that is a stream of messages, frames or those of a gRPC stream; answers are matched by exchange (spec §2, §5, §7).
/// </summary>
/// <remarks>The calls themselves are the business of <see cref="OutstandingCalls{TEvent}"/>.</remarks>
internal sealed partial class FramedAgentConnection : IAgentConnection, IFrameHandler
{
    private const string ClosedByUs = "closed by us";

    // What has to go out is small, and an agent that reads at all has read it by then.
    private static readonly TimeSpan Farewell = TimeSpan.FromMilliseconds(200);

    private readonly AgentDialect _dialect;
    private readonly OutstandingCalls<FrameBuffer> _calls;
    private readonly ConsentByPong _consent;
    private readonly FrameConnection _frames;
    private readonly ConnectionSettings _settings;
    private readonly AnswerReader _answers;
    private readonly ClientHandshake _handshake;
    private readonly AgentMessages _messages;
    private readonly IConnectionSink _sink;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Func<ValueTask>? _closeTransport;
    private readonly Func<Exception?, string?>? _explainEnd;
    private readonly bool _hasThread;
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MessageEncoding _encoding = MessageEncodings.Json;
    private Task _running = Task.CompletedTask;
    private string? _abortCause;
    private long _lastHeard;
    private long _lateAnswers;
    private ulong _pings;
    private uint _encoded;
    private bool _open = true;

    /// <summary>A connection over a pipe; nothing moves before <see cref="OpenAsync"/>.</summary>
    /// <param name="id">Names it in logs, unique in the process.</param>
    /// <param name="pipe">The bytes; both directions are completed when it ends.</param>
    /// <param name="settings">What must be known of the agent.</param>
    /// <param name="sink">Takes what the agent says by itself.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="closeTransport">Closes what is beneath the pipe; awaited by <see cref="DisposeAsync"/>. Null for nothing.</param>
    /// <param name="dialect">The wire; null for the native one.</param>
    /// <param name="explainEnd">
    /// Knows better than the pipe why it ended, given what the pipe threw if anything; null, or a null from it, if not.
    /// </param>
    public FramedAgentConnection(
        string id, IDuplexPipe pipe, ConnectionSettings settings, IConnectionSink sink, TimeProvider time, ILogger logger,
        Func<ValueTask>? closeTransport = null, AgentDialect? dialect = null, Func<Exception?, string?>? explainEnd = null)
    {
        (Id, _settings, _sink, _time, _logger) = (id, settings, sink, time, logger);
        (_dialect, _closeTransport, _explainEnd) = (dialect ?? AgentDialect.Native, closeTransport, explainEnd);
        _hasThread = pipe is SocketPipes { HasThread: true };
        _answers = new AnswerReader(id, settings.AgentId, time, logger);
        _handshake = new ClientHandshake(settings, _dialect, time);

        // An agent that has closed its sending side can answer nothing more: its calls end at once, whether or not it still reads.
        _frames = new FrameConnection(
            pipe, FrameConnectionOptions.Default with { CloseTimeout = TimeSpan.Zero, Time = time, Format = _dialect.ProxyFormat });
        _messages = new AgentMessages(this, settings, sink, time, logger);
        _calls = new OutstandingCalls<FrameBuffer>(new FrameCallTransport(_frames, _dialect, time, HasRoom), time);
        _consent = new ConsentByPong(_frames, _dialect, time);
        _lastHeard = time.GetTimestamp();
    }

    /// <summary>
    /// A connection over a socket of the native dialect, which it owns from now on; nothing moves before <see cref="OpenAsync"/>.
    /// </summary>
    public static FramedAgentConnection Over(
        Socket socket, string id, ConnectionSettings settings, IConnectionSink sink, TimeProvider time, ILogger logger)
    {
        var pipes = new SocketPipes(socket);
        return new FramedAgentConnection(id, pipes, settings, sink, time, logger, pipes.DisposeAsync);
    }

    public string Id { get; }

    public ConnectionTraits Traits { get; private set; } =
        new() { MaxInFlight = 1, IsConcurrent = false, Events = EventSet.None, MaxEventBytes = 0 };

    public AgentCapabilities Capabilities { get; private set; } = new();

    public string Encoding => _encoding.Name;

    public string Dialect => _dialect.Name;

    public bool IsOpen => Volatile.Read(ref _open);

    public ConnectionStats Stats =>
        new(_calls.InFlight, _calls.Owed, Interlocked.Read(ref _lateAnswers), Volatile.Read(ref _lastHeard), _hasThread);

    public Task<string> Ended => _ended.Task;

    /// <summary>Starts the loops and introduces ourselves. Bounded by the connect timeout.</summary>
    /// <exception cref="ProtocolException">The agent refused, or answered with something else.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    public async Task OpenAsync(TimeSpan limit, CancellationToken cancellation)
    {
        Run();
        var response = await _handshake.RunAsync(_frames, limit, cancellation);
        LogOpened(response.Capabilities, response.Encoding);
    }

    /// <summary>Starts the loops of a connection whose agent has registered: no handshake follows, and JSON is spoken (spec §8).</summary>
    public void Adopt(AgentCapabilities capabilities)
    {
        Take(
            new HandshakeResponse
            {
                Success = true,
                ProtocolVersion = ProtocolConstants.Version,
                Capabilities = capabilities,
                Encoding = ProtocolConstants.Json,
            });
        LogOpened(capabilities, Encoding);
        Run();
    }

    public ValueTask<CallResult> CallAsync(AgentEvent message, long deadline, EventFrames? frames = null)
    {
        // Before it is encoded: what cannot be sent need not be copied, and an encoder's buffer is not to grow without a bound.
        if (message is BodyChunkEvent { Data.Length: var size } && size > Traits.MaxEventBytes)
        {
            return new(CallResult.Failed(
                CallOutcome.NotSendable, $"a body chunk of {size} bytes is more than the agent takes at once, {Traits.MaxEventBytes} "
                    + "bytes; send smaller chunks"));
        }

        if (message is ConfigureEvent configure && !_dialect.AnswersConfigure)
        {
            return _consent.AskAsync(_encoding, configure, NextPing(), deadline);
        }

        var frame = frames?.Find(_encoding) ?? Encode(message, frames);
        try
        {
            frame.Finish(_dialect.ProxyFormat.LargestPayload);
            return _calls.Send(frame, message.CorrelationId, message.Type, deadline);
        }
        catch (FrameTooLongException e)
        {
            frame.Dispose();
            return new(CallResult.Failed(CallOutcome.NotSendable, e.Message));
        }
    }

    public void Cancel(CorrelationId id, CancelReason reason) => _calls.Cancel(id, reason);

    public void Release(CorrelationId exchange)
    {
        using var frame = FrameBuffer.Rent(MessageType.Cancel);
        if (_dialect.TryWriteEnd(frame, exchange))
        {
            _frames.TrySend(frame.Finish());
        }
    }

    public void Ping()
    {
        if (!Traits.CanPing)
        {
            return;
        }

        using var frame = FrameBuffer.Rent(MessageType.Ping);
        _dialect.WritePing(frame, NextPing());
        _frames.TrySend(frame.Finish());
    }

    public void Abort(string cause)
    {
        // The cause first: whoever sees the end must find it.
        Interlocked.CompareExchange(ref _abortCause, cause, null);
        Volatile.Write(ref _open, false);
        _frames.Abort(FrameConnectionEnd.ClosedLocally);
    }

    public async ValueTask DisposeAsync()
    {
        if (IsOpen)
        {
            // Whoever still works on a call learns that it need not; what was taken for writing goes out if the agent reads.
            Interlocked.CompareExchange(ref _abortCause, ClosedByUs, null);
            Volatile.Write(ref _open, false);
            _calls.ShutDown();
            _frames.Close(Farewell);
        }

        await _running;
        await _calls.DisposeAsync();
        if (_closeTransport is not null)
        {
            await _closeTransport();
        }
    }

    private void LogOpened(AgentCapabilities agent, string encoding) =>
        Log.Opened(_logger, Id, _settings.AgentId, agent.Name, agent.Version, encoding, Traits.MaxInFlight);

    private bool HasRoom() => _calls.InFlight < Traits.MaxInFlight / 2;

    private FrameBuffer Encode(AgentEvent message, EventFrames? frames)
    {
        // One of sixteen is measured: two looks at the clock cost as much as a small event. A count that is lost only moves a sample.
        var metrics = (_encoded++ & 15) == 0 ? _settings.Metrics : null;
        var started = metrics is null ? 0 : _time.GetTimestamp();
        var frame = FrameBuffer.Rent(message.Type);
        _encoding.WriteEvent(frame, message);
        metrics?.Encoded(_settings.AgentId, _time.GetElapsedTime(started));
        frames?.Keep(_encoding, frame);
        return frame;
    }

    private PingMessage NextPing() => new(Interlocked.Increment(ref _pings) - 1, (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds());

    private void Run()
    {
        using (ExecutionContext.SuppressFlow())
        {
            _running = Task.Run(() => _frames.RunAsync(this), CancellationToken.None);
        }
    }

    public void LimitCalls(int most)
    {
        Traits = Handshake.TraitsOf(Capabilities, _settings with { MaxInFlight = most }, _dialect);
        _calls.Limit = Traits.MaxInFlight;
    }

    private void Take(HandshakeResponse response)
    {
        Capabilities = response.Capabilities;
        Traits = Handshake.TraitsOf(response.Capabilities, _settings, _dialect);
        _calls.AnswersGuardrails = Capabilities.Features.Guardrails || Traits.Matching == AnswerMatching.InOrder;
        (_calls.Limit, _calls.Matching, _calls.CanCancel) = (Traits.MaxInFlight, Traits.Matching, Traits.CanCancel);
        var features = response.Capabilities.Features;
        _encoding = _dialect.ProxyEncoding(_settings.UsesRawBodies ? response : response with
        {
            Capabilities = response.Capabilities with { Features = features with { BinaryBody = false } },
        });
        _handshake.Succeed(response);
    }
}
