using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Agents;

/// <summary>Takes the events of one connection to the handler and its answers back: every event is answered exactly once.</summary>
internal sealed class EventDispatcher
{
    private readonly AgentServerOptions _options;
    private readonly FrameConnection _frames;
    private readonly MessageEncoding _encoding;
    private readonly ExchangeQueues _queues;
    private readonly string _connectionId;

    public EventDispatcher(AgentConnection connection, FrameConnection frames, MessageEncoding encoding, IAgentHandler handler, AgentServerOptions options, ILogger logger)
    {
        _options = options;
        _frames = frames;
        _encoding = encoding;
        _connectionId = connection.Id;
        Connection = connection;
        Handler = handler;
        Logger = logger;
        _queues = new ExchangeQueues(this, options.MaxOutstandingEvents);
    }

    public AgentConnection Connection { get; }

    public IAgentHandler Handler { get; }

    public ILogger Logger { get; }

    public int Outstanding => _queues.Outstanding;

    /// <summary>One event as it came; decoded here, handled elsewhere.</summary>
    public void Take(MessageType type, ReadOnlyMemory<byte> payload)
    {
        var memory = EventMemory.Copy(type, payload, out var owned);
        AgentEvent message;
        try
        {
            message = _encoding.ReadEvent(type, owned);
        }
        catch (ProtocolException e)
        {
            EventMemory.Return(memory);
            Log.Undecodable(Logger, type, e.Message);
            Reply(_encoding.SalvageCorrelationId(payload), Failure(ReasonCodes.UndecodableEvent));
            return;
        }

        if (_queues.Enter(message, memory, out var refused) is { } work)
        {
            ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
        }
        else if (refused)
        {
            EventMemory.Return(memory);
            Log.Overloaded(Logger, _connectionId, _options.MaxOutstandingEvents);
            Reply(message.CorrelationId, Failure(ReasonCodes.Overloaded));
        }
    }

    /// <summary>The events of one exchange are no longer wanted.</summary>
    public void Cancel(CorrelationId id) => CancelLater(_queues.Of(id));

    /// <summary>No event is wanted any more.</summary>
    public void CancelAll() => CancelLater(_queues.All());

    /// <summary>Completes when every event is answered.</summary>
    public Task WhenIdleAsync() => _queues.WhenEmptyAsync();

    /// <summary>The answer that stands in for a decision that could not be made.</summary>
    public AgentResponse Failure(string reason) => new AgentResponse { Decision = _options.ErrorDecision }.WithReason(reason);

    /// <summary>The handler is done with an event.</summary>
    public void Finish(EventWork work, AgentResponse answer)
    {
        Reply(work.Event.CorrelationId, answer);
        if (_queues.Leave(work) is { } next)
        {
            ThreadPool.UnsafeQueueUserWorkItem(next, preferLocal: false);
        }
    }

    private void Reply(CorrelationId id, AgentResponse answer)
    {
        var frame = FrameBuffer.Rent(MessageType.AgentResponse);
        ReadOnlyMemory<byte> bytes;
        try
        {
            _encoding.WriteResponse(frame, id, answer);
            bytes = frame.Finish();
        }
        catch (Exception e)
        {
            // Whatever a handler put into its answer, the asker gets one.
            Log.UnencodableAnswer(Logger, e);
            frame.Dispose();
            frame = FrameBuffer.Rent(MessageType.AgentResponse);
            _encoding.WriteResponse(frame, id, Failure(ReasonCodes.UnencodableAnswer));
            bytes = frame.Finish();
        }

        if (_frames.TrySend(bytes) == SendStatus.Full)
        {
            _ = SendLaterAsync(frame, bytes);
            return;
        }

        frame.Dispose();
    }

    private async Task SendLaterAsync(FrameBuffer frame, ReadOnlyMemory<byte> bytes)
    {
        if (await _frames.SendAsync(bytes, _options.SendTimeout, _options.Time).ConfigureAwait(false) == SendStatus.Full)
        {
            _frames.Abort(
                FrameConnectionEnd.ProtocolViolation,
                new TimeoutException($"the peer did not read its answers for {_options.SendTimeout}"));
        }

        frame.Dispose();
    }

    // Callbacks of the handler run during a cancellation, so never on the read loop.
    private static void CancelLater(List<EventWork> works)
    {
        foreach (var work in works)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static state => state.Work.Cancel(state.Round), (Work: work, work.Round), preferLocal: false);
        }
    }
}
