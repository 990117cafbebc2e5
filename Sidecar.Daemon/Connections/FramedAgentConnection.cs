using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections;

/// <summary>A connection that speaks the native dialect: frames over a pipe, answers matched by exchange (spec §2, §5).</summary>
/// <remarks>
/// One lock guards the table and, inside it, the hand-over of a frame to the write buffer, so that a call is in the table before its answer
/// can come and frames leave in the order of their calls. The lock is never held while waiting or while other people's code runs.
/// </remarks>
internal sealed class FramedAgentConnection : IAgentConnection, IFrameHandler
{
    private readonly Lock _gate = new();
    private readonly CallTable _calls = new();
    private readonly CallDeadlines _deadlines;
    private readonly List<CorrelationId> _due = [];
    private readonly FrameConnection _frames;
    private readonly ConnectionSettings _settings;
    private readonly AgentMessages _messages;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource<HandshakeResponse> _handshake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MessageEncoding _encoding = MessageEncodings.Json;
    private Task _running = Task.CompletedTask;
    private string? _abortCause;
    private long _lastHeard;
    private long _lateAnswers;
    private ulong _pings;
    private bool _open = true;

    public FramedAgentConnection(string id, IDuplexPipe pipe, ConnectionSettings settings, IConnectionSink sink, TimeProvider time, ILogger logger)
    {
        Id = id;
        _settings = settings;
        _time = time;
        _logger = logger;
        _frames = new FrameConnection(pipe);
        _messages = new AgentMessages(this, settings.AgentId, sink, logger);
        _deadlines = new CallDeadlines(time, OnDeadline);
        _lastHeard = time.GetTimestamp();
    }

    public string Id { get; }

    public ConnectionTraits Traits { get; private set; } = new() { MaxInFlight = 1, IsConcurrent = false, Events = EventSet.None, MaxEventBytes = 0 };

    public AgentCapabilities Capabilities { get; private set; } = new();

    public string Encoding => _encoding.Name;

    public bool IsOpen => Volatile.Read(ref _open);

    public int InFlight => _calls.InFlight;

    public int Owed => _calls.Owed;

    public long LateAnswers => Interlocked.Read(ref _lateAnswers);

    public Task<string> Ended => _ended.Task;

    public TimeSpan SilentFor => _time.GetElapsedTime(Volatile.Read(ref _lastHeard));

    /// <summary>Starts the loops and introduces ourselves. Bounded by the connect timeout.</summary>
    /// <exception cref="ProtocolException">The agent refused, or answered with something else.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    public async Task OpenAsync(TimeSpan limit, CancellationToken cancellation)
    {
        using (ExecutionContext.SuppressFlow())
        {
            _running = Task.Run(() => _frames.RunAsync(this), CancellationToken.None);
        }

        using (var frame = FrameBuffer.Rent(MessageType.HandshakeRequest))
        {
            Handshake.WriteRequest(frame, _settings);
            _frames.TrySend(frame.Finish());
        }

        try
        {
            var response = await _handshake.Task.WaitAsync(limit, _time, cancellation).ConfigureAwait(false);
            Log.Opened(_logger, Id, _settings.AgentId, response.Capabilities.Name, response.Capabilities.Version, response.Encoding, Traits.MaxInFlight);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"agent {_settings.AgentId} did not answer the handshake within {_settings.ConnectTimeout}", e);
        }
    }

    public ValueTask<CallResult> CallAsync(AgentEvent message, long deadline)
    {
        var frame = FrameBuffer.Rent(message.Type);
        try
        {
            _encoding.WriteEvent(frame, message);
            var status = Send(frame.Finish(), message, deadline, out var answer);
            if (status != SendStatus.Full)
            {
                frame.Dispose();
                return answer;
            }
        }
        catch (FrameTooLongException e)
        {
            frame.Dispose();
            return new(CallResult.Failed(CallOutcome.NotSendable, e.Message));
        }

        return WaitForRoomAsync(frame, message, deadline);
    }

    public void Cancel(CorrelationId id, CancelReason reason)
    {
        PendingCall? call;
        lock (_gate)
        {
            call = _calls.Bury(id);
            if (call is not null)
            {
                SendCancel(id, reason);
            }
        }

        call?.Complete(CallResult.Failed(CallOutcome.Cancelled, reason.ToString()));
    }

    public void Ping()
    {
        using var frame = FrameBuffer.Rent(MessageType.Ping);
        ControlCodec.WritePing(frame, new PingMessage(_pings++, UnixMilliseconds()));
        _frames.TrySend(frame.Finish());
    }

    public void Abort(string cause)
    {
        Volatile.Write(ref _open, false);
        Interlocked.CompareExchange(ref _abortCause, cause, null);
        _frames.Abort(FrameConnectionEnd.ClosedLocally);
    }

    public async ValueTask DisposeAsync()
    {
        Abort("closed by us");
        await _running.ConfigureAwait(false);
        _deadlines.Dispose();
    }

    void IFrameHandler.OnFrame(MessageType type, ReadOnlyMemory<byte> payload)
    {
        Volatile.Write(ref _lastHeard, _time.GetTimestamp());
        if (!_handshake.Task.IsCompleted)
        {
            TakeHandshake(type, payload);
        }
        else if (type == MessageType.AgentResponse)
        {
            TakeAnswer(payload);
        }
        else
        {
            _messages.Take(type, payload, _encoding);
        }
    }

    void IFrameHandler.OnEnd(FrameConnectionEnd end, Exception? error)
    {
        Volatile.Write(ref _open, false);
        var cause = _abortCause ?? (error is null ? end.ToString() : $"{end}: {error.Message}");
        List<PendingCall> waiting;
        lock (_gate)
        {
            waiting = _calls.Clear();
            _deadlines.Dispose();
        }

        foreach (var call in waiting)
        {
            call.Complete(CallResult.Failed(CallOutcome.ConnectionLost, cause));
        }

        Log.Ended(_logger, Id, _settings.AgentId, cause, waiting.Count);
        _handshake.TrySetException(new ProtocolException($"the connection ended during the handshake: {cause}"));
        _ = _handshake.Task.Exception;
        _ended.TrySetResult(cause);
    }

    private SendStatus Send(ReadOnlyMemory<byte> frame, AgentEvent message, long deadline, out ValueTask<CallResult> answer)
    {
        var id = message.CorrelationId;
        lock (_gate)
        {
            if (!IsOpen)
            {
                answer = new(CallResult.Failed(CallOutcome.NoConnection, "the connection has ended"));
                return SendStatus.Closed;
            }

            if (Refusal(id, message.Type) is { } refusal)
            {
                answer = new(refusal);
                return SendStatus.Closed;
            }

            var call = PendingCall.Rent(deadline);
            answer = call.AsValueTask();
            _calls.Add(id, call);
            var status = _frames.TrySend(frame);
            if (status == SendStatus.Sent)
            {
                _deadlines.Arm(deadline);
                return status;
            }

            _calls.Withdraw(id);
            call.Complete(CallResult.Failed(CallOutcome.NoConnection, "the connection has ended"));
            return status;
        }
    }

    // Rule 6: while an answer is owed, the next one could be taken for another call's; only the end of the exchange may still be told.
    private CallResult? Refusal(CorrelationId id, MessageType type)
    {
        var (waiting, owed) = _calls.Of(id);
        if (waiting || (owed > 0 && type != MessageType.RequestComplete))
        {
            return CallResult.Failed(CallOutcome.Owed, waiting ? "a call of this exchange is still waiting" : $"{owed} answers of this exchange are owed");
        }

        return _calls.InFlight >= Traits.MaxInFlight
            ? CallResult.Failed(CallOutcome.NoRoom, $"{_calls.InFlight} calls are outstanding on the connection, the limit is {Traits.MaxInFlight}")
            : null;
    }

    private async ValueTask<CallResult> WaitForRoomAsync(FrameBuffer frame, AgentEvent message, long deadline)
    {
        using (frame)
        {
            while (true)
            {
                var left = _time.GetElapsedTime(_time.GetTimestamp(), deadline);
                if (left <= TimeSpan.Zero || !await _frames.WaitForRoomAsync(left, _time).ConfigureAwait(false))
                {
                    return CallResult.Failed(CallOutcome.NoRoom, "the agent does not read: the write buffer stayed full until the deadline");
                }

                if (Send(frame.Finish(), message, deadline, out var answer) != SendStatus.Full)
                {
                    return await answer.ConfigureAwait(false);
                }

                _ = await answer.ConfigureAwait(false);
            }
        }
    }

    private void TakeHandshake(MessageType type, ReadOnlyMemory<byte> payload)
    {
        try
        {
            if (type != MessageType.HandshakeResponse)
            {
                throw new ProtocolException($"the agent's first frame has type 0x{(byte)type:x2}, expected 0x02 (handshake response)");
            }

            var response = Handshake.ReadResponse(payload, _settings);
            Capabilities = response.Capabilities;
            Traits = Handshake.TraitsOf(response.Capabilities, _settings);
            _encoding = response.Encoding == ProtocolConstants.MessagePack && response.Capabilities.Features.BinaryBody
                ? MessageEncodings.MessagePackBinaryBody
                : MessageEncodings.ByName(response.Encoding);
            _handshake.TrySetResult(response);
        }
        catch (ProtocolException e)
        {
            _handshake.TrySetException(e);
            Abort(e.Message);
        }
    }

    private void TakeAnswer(ReadOnlyMemory<byte> payload)
    {
        CorrelationId id;
        CallResult result;
        try
        {
            var answer = _encoding.ReadResponse(payload);
            (id, result) = (answer.CorrelationId, CallResult.Answered(answer.Response));
        }
        catch (ProtocolException e)
        {
            id = _encoding.SalvageCorrelationId(payload);
            result = CallResult.Failed(CallOutcome.BadAnswer, e.Message);
            Log.BadAnswer(_logger, _settings.AgentId, Id, e.Message);
        }

        PendingCall? call = null;
        if (!id.IsEmpty)
        {
            lock (_gate)
            {
                call = _calls.Answer(id, out _);
            }
        }

        if (call is null)
        {
            Interlocked.Increment(ref _lateAnswers);
            Log.LateAnswer(_logger, _settings.AgentId, id);
            return;
        }

        call.Complete(result);
    }

    private void OnDeadline()
    {
        List<PendingCall>? expired = null;
        lock (_gate)
        {
            _due.Clear();
            _deadlines.Rearm(_calls.FindDue(_time.GetTimestamp(), _due));
            foreach (var id in _due)
            {
                (expired ??= []).Add(_calls.Bury(id)!);
                SendCancel(id, CancelReason.Timeout);
            }
        }

        foreach (var call in expired ?? [])
        {
            call.Complete(CallResult.Failed(CallOutcome.TimedOut, "no answer before the deadline"));
        }
    }

    // A cancel that finds the write buffer full is dropped: it only saves the agent work.
    private void SendCancel(CorrelationId id, CancelReason reason)
    {
        using var frame = FrameBuffer.Rent(MessageType.Cancel);
        ControlCodec.WriteCancel(frame, new CancelRequest(id, reason, UnixMilliseconds()));
        _frames.TrySend(frame.Finish());
    }

    private ulong UnixMilliseconds() => (ulong)_time.GetUtcNow().ToUnixTimeMilliseconds();
}
