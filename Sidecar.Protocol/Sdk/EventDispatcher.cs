using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
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
    private readonly WorkQueue _workers;
    private readonly AnswerOutput _answers;
    private readonly int _limit;
    private readonly LogThrottle _throttle;
    private readonly string _connectionId;
    private readonly ConfigurationConsent? _consent;
    private Task? _pause;

    public EventDispatcher(
        AgentConnection connection, FrameConnection frames, AgentDialect dialect, MessageEncoding encoding, IAgentHandler handler,
        AgentConnectionOptions options, WorkQueue workers, ILogger logger)
    {
        _options = options;
        _frames = frames;
        _dialect = dialect;
        _encoding = encoding;
        _connectionId = connection.Id;
        Connection = connection;
        Handler = handler;
        Logger = logger;
        _workers = workers;
        _answers = new AnswerOutput(frames, encoding, options, logger);
        var (features, limits) = (options.Capabilities.Features, options.Capabilities.Limits);
        var stated = (int)Math.Min(Math.Max(features.ConcurrentRequests, limits.MaxConcurrency), int.MaxValue);
        _limit = Math.Max(options.MaxOutstandingEvents, stated);
        _queues = new ExchangeQueues(this, _limit, options.MaxOutstandingBytes);
        _throttle = new LogThrottle(options.Time);
        _consent = dialect.AnswersConfigure ? null : new ConfigurationConsent(frames);
    }

    public AgentConnection Connection { get; }

    public IAgentHandler Handler { get; }

    public ILogger Logger { get; }

    public int Outstanding => _queues.Outstanding;

    /// <summary>What of this connection waits for a worker.</summary>
    public WorkTurn Turn { get; } = new();

    /// <summary>While there is no room for another event, what its sender has to wait for.</summary>
    public Task? Pause => _pause is { IsCompleted: false } ? _pause : null;

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

        if (_queues.Enter(message, memory, payload.Length, out var isFull) is { } work)
        {
            Start(work, isHere: _options.HandlerNeverBlocks);
        }

        if (isFull)
        {
            _pause = WaitForRoomAsync();
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
        _queues.Close();
        CancelAll();
    }

    /// <summary>No event is wanted any more.</summary>
    public void CancelAll() => Cancel(_queues.All());

    /// <summary>Completes when every event is answered.</summary>
    public Task WhenIdleAsync() => _queues.WhenEmptyAsync();

    /// <summary>The answer that stands in for a decision that could not be made.</summary>
    public AgentResponse Failure(string reason) => _answers.Failure(reason);

    /// <summary>The handler is done with an event. The next of its exchange starts when the connection has taken the answer.</summary>
    public void Finish(EventWork work, AgentResponse answer)
    {
        var frame = _answers.Encode(work.Event.CorrelationId, ref answer);
        var isTaken = frame is null || _answers.TrySend(frame);

        // A peer that does not read keeps its own answers waiting, not the events of others.
        _workers.Release(work);
        if (isTaken)
        {
            Leave(work, answer);
        }
        else
        {
            _ = FinishLaterAsync(work, answer, frame!);
        }
    }

    private async Task FinishLaterAsync(EventWork work, AgentResponse answer, FrameBuffer frame)
    {
        await _answers.SendLaterAsync(frame).ConfigureAwait(false);
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
            Start(next, isHere: false);
        }
    }

    private void Start(EventWork work, bool isHere)
    {
        if (_workers.TryBegin(work))
        {
            work.Begin(isHere);
        }
    }

    private async Task WaitForRoomAsync()
    {
        var waiting = _queues.WhenRoomAsync();
        if (waiting.IsCompleted)
        {
            return;
        }

        if (_throttle.MayLog(nameof(Pause), out var leftOut))
        {
            Log.Paused(Logger, _connectionId, _limit, _options.MaxOutstandingBytes, leftOut);
        }

        try
        {
            await waiting.WaitAsync(_options.PauseTimeout, _options.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _frames.Abort(
                FrameConnectionEnd.ProtocolViolation,
                new TimeoutException($"{Outstanding} events are outstanding, and none was answered for {_options.PauseTimeout}"));
        }
    }

    private void Decide(AgentResponse answer)
    {
        var isAccepted = answer.Decision is AllowDecision;
        if (!isAccepted && _consent is not null && _throttle.MayLog(nameof(MessageType.Configure), out var leftOut))
        {
            var reason = (answer.Decision as BlockDecision)?.Body ?? string.Join(", ", answer.Audit.ReasonCodes);
            Log.ConfigurationRefused(Logger, _connectionId, reason, leftOut);
        }

        _consent?.Decide(isAccepted);
    }

    // Runs on the read loop, which must not wait.
    private void Refuse(MessageType type, CorrelationId id, string reason)
    {
        var answer = _answers.Failure(reason);
        var frame = _answers.Encode(id, ref answer);
        var isTaken = frame is null || _answers.TrySend(frame);
        if (type == MessageType.Configure)
        {
            Decide(answer);
        }

        if (isTaken)
        {
            return;
        }

        _queues.Hold(out var isFull);
        _ = RefuseLaterAsync(frame!);
        if (isFull)
        {
            _pause = WaitForRoomAsync();
        }
    }

    private async Task RefuseLaterAsync(FrameBuffer frame)
    {
        await _answers.SendLaterAsync(frame).ConfigureAwait(false);
        _queues.Release();
    }

    // The last first, so that none of an exchange starts only because the one before it ended. One that waits for a worker needs none to be
    // answered.
    private void Cancel(List<(EventWork Work, int Round)> events)
    {
        for (var i = events.Count - 1; i >= 0; i--)
        {
            var (work, round) = events[i];
            if (work.TryCancel(round) && _workers.TryRemove(work))
            {
                work.Begin(isHere: true);
            }
        }
    }
}
