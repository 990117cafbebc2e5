using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>Takes the events of one connection to the handler and its answers back: every event is answered exactly once.</summary>
internal sealed class EventDispatcher
{
    private readonly AgentConnectionOptions _options;
    private readonly FrameConnection _frames;
    private readonly AgentDialect _dialect;
    private readonly MessageEncoding _encoding;
    private readonly ExchangeQueues _queues;
    private readonly LogThrottle _throttle;
    private readonly string _connectionId;
    private readonly ConfigurationConsent? _consent;

    public EventDispatcher(
        AgentConnection connection, FrameConnection frames, AgentDialect dialect, MessageEncoding encoding, IAgentHandler handler,
        AgentConnectionOptions options, ILogger logger)
    {
        _options = options;
        _frames = frames;
        _dialect = dialect;
        _encoding = encoding;
        _connectionId = connection.Id;
        Connection = connection;
        Handler = handler;
        Logger = logger;
        _queues = new ExchangeQueues(this, options.MaxOutstandingEvents, options.MaxOutstandingBytes);
        _throttle = new LogThrottle(options.Time);
        _consent = dialect.AnswersConfigure ? null : new ConfigurationConsent(frames);
    }

    public AgentConnection Connection { get; }

    public IAgentHandler Handler { get; }

    public ILogger Logger { get; }

    public int Outstanding => _queues.Outstanding;

    /// <summary>One event as it came; decoded here, handled elsewhere unless the handler never blocks.</summary>
    public void Take(MessageType type, ReadOnlyMemory<byte> payload)
    {
        if (type == MessageType.Configure)
        {
            _consent?.Expect();
        }

        var memory = EventMemory.Copy(type, payload, out var owned);
        AgentEvent message;
        try
        {
            message = _encoding.ReadEvent(type, owned);
        }
        catch (ProtocolException e)
        {
            EventMemory.Return(memory);
            if (_throttle.MayLog(ReasonCodes.UndecodableEvent, out var leftOut))
            {
                Log.Undecodable(Logger, type, e.Message, leftOut);
            }

            Refuse(type, _encoding.SalvageCorrelationId(payload), ReasonCodes.UndecodableEvent);
            return;
        }

        if (_queues.Enter(message, memory, payload.Length, out var refused) is { } work)
        {
            work.Begin(isHere: _options.HandlerNeverBlocks);
        }
        else if (refused)
        {
            EventMemory.Return(memory);
            if (_throttle.MayLog(ReasonCodes.Overloaded, out var leftOut))
            {
                Log.Overloaded(Logger, _connectionId, _options.MaxOutstandingEvents, _options.MaxOutstandingBytes, leftOut);
            }

            Refuse(type, message.CorrelationId, ReasonCodes.Overloaded);
        }
    }

    /// <summary>The events of the exchange that a cancel names are no longer wanted. False when it is no cancel.</summary>
    public bool TryCancel(ReadOnlyMemory<byte> payload)
    {
        CancelRequest request;
        try
        {
            request = _dialect.ReadCancel(payload);
        }
        catch (ProtocolException)
        {
            return false;
        }

        try
        {
            Handler.OnCancel(request, Connection);
        }
        catch (Exception e)
        {
            Log.CancellationCallbackFailed(Logger, e);
        }

        Cancel(_queues.Of(request.CorrelationId));
        return true;
    }

    /// <summary>A pong that is ready: behind a configuration that is not decided yet it waits, where that is how one is accepted.</summary>
    public void SendPong(FrameBuffer pong)
    {
        if (_consent is not null)
        {
            _consent.Send(pong);
            return;
        }

        _frames.TrySend(pong.Finish());
        pong.Dispose();
    }

    /// <summary>The connection has ended: no event is wanted any more.</summary>
    public void End()
    {
        _consent?.Dispose();
        CancelAll();
    }

    /// <summary>No event is wanted any more.</summary>
    public void CancelAll() => Cancel(_queues.All());

    /// <summary>Completes when every event is answered.</summary>
    public Task WhenIdleAsync() => _queues.WhenEmptyAsync();

    /// <summary>The answer that stands in for a decision that could not be made.</summary>
    public AgentResponse Failure(string reason) => new AgentResponse { Decision = _options.ErrorDecision }.WithReason(reason);

    /// <summary>The handler is done with an event. The next of its exchange starts when the connection has taken the answer.</summary>
    public void Finish(EventWork work, AgentResponse answer)
    {
        if (Encode(work.Event.CorrelationId, ref answer) is { } frame && !TrySend(frame))
        {
            _ = FinishLaterAsync(work, answer, frame);
            return;
        }

        Leave(work, answer);
    }

    private async Task FinishLaterAsync(EventWork work, AgentResponse answer, FrameBuffer frame)
    {
        await SendLaterAsync(frame).ConfigureAwait(false);
        Leave(work, answer);
    }

    private void Leave(EventWork work, AgentResponse answer)
    {
        if (work.Event is ConfigureEvent)
        {
            Decide(answer);
        }

        if (_queues.Leave(work) is { } next)
        {
            // Never here: a row of them would nest as deep as it is long.
            next.Begin(isHere: false);
        }
    }

    private void Decide(AgentResponse answer)
    {
        var isAccepted = answer.Decision is AllowDecision;
        if (!isAccepted && _consent is not null && _throttle.MayLog(nameof(MessageType.Configure), out var leftOut))
        {
            Log.ConfigurationRefused(Logger, _connectionId, (answer.Decision as BlockDecision)?.Body ?? string.Join(", ", answer.Audit.ReasonCodes), leftOut);
        }

        _consent?.Decide(isAccepted);
    }

    // Runs on the read loop, which must not wait.
    private void Refuse(MessageType type, CorrelationId id, string reason)
    {
        var answer = Failure(reason);
        var frame = Encode(id, ref answer);
        var isDone = frame is null || TrySend(frame);
        if (type == MessageType.Configure)
        {
            Decide(answer);
        }

        if (isDone)
        {
            return;
        }

        if (_queues.TryHold())
        {
            _ = RefuseLaterAsync(frame!);
            return;
        }

        frame!.Dispose();
        _frames.Abort(
            FrameConnectionEnd.ProtocolViolation,
            new InvalidDataException($"the peer sends events but does not read its answers: {_options.MaxOutstandingEvents} refusals wait, the limit"));
    }

    private async Task RefuseLaterAsync(FrameBuffer frame)
    {
        await SendLaterAsync(frame).ConfigureAwait(false);
        _queues.Release();
    }

    // Null when not even the error decision fits into a frame: there is no answer then, and the connection ends.
    private FrameBuffer? Encode(CorrelationId id, ref AgentResponse answer)
    {
        if (TryEncode(id, answer, out var error) is { } frame)
        {
            return frame;
        }

        // Whatever a handler put into its answer, the asker gets one.
        Log.UnencodableAnswer(Logger, error!);
        answer = Failure(ReasonCodes.UnencodableAnswer);
        frame = TryEncode(id, answer, out error);
        if (frame is null)
        {
            _frames.Abort(FrameConnectionEnd.ProtocolViolation, error);
        }

        return frame;
    }

    private FrameBuffer? TryEncode(CorrelationId id, AgentResponse answer, out Exception? error)
    {
        var frame = FrameBuffer.Rent(MessageType.AgentResponse);
        try
        {
            if (answer.Decision is null)
            {
                throw new InvalidOperationException("the handler's answer has no decision; use allow, block, redirect or challenge");
            }

            _encoding.WriteResponse(frame, id, answer);
            frame.Finish();
            error = null;
            return frame;
        }
        catch (Exception e)
        {
            frame.Dispose();
            error = e;
            return null;
        }
    }

    // Takes the frame unless the connection is full.
    private bool TrySend(FrameBuffer frame)
    {
        if (_frames.TrySend(frame.Finish()) == SendStatus.Full)
        {
            return false;
        }

        frame.Dispose();
        return true;
    }

    private async Task SendLaterAsync(FrameBuffer frame)
    {
        var status = await _frames.SendAsync(frame.Finish(), _options.SendTimeout, _options.Time).ConfigureAwait(false);
        frame.Dispose();
        if (status == SendStatus.Full)
        {
            _frames.Abort(
                FrameConnectionEnd.ProtocolViolation,
                new TimeoutException($"the peer did not read its answers for {_options.SendTimeout}"));
        }
    }

    // The last first, so that none of an exchange starts only because the one before it ended.
    private static void Cancel(List<(EventWork Work, int Round)> events)
    {
        for (var i = events.Count - 1; i >= 0; i--)
        {
            events[i].Work.Cancel(events[i].Round);
        }
    }
}
