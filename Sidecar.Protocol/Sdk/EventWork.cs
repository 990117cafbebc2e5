using System.Diagnostics.CodeAnalysis;

namespace Sidecar.Protocol.Sdk;

/// <summary>One event on its way through the handler: a work item of the thread pool or of the read loop, reused.</summary>
[SuppressMessage(
    "Design", "CA1001",
    Justification = "A token source that has neither a timer nor a wait handle holds nothing to free; the objects are reused.")]
internal sealed class EventWork : IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private readonly EventDispatcher _dispatcher;
    private readonly CancellationTokenSource _cancellation = new();

    public EventWork(EventDispatcher dispatcher) => _dispatcher = dispatcher;

    public AgentEvent Event { get; private set; } = null!;

    /// <summary>The next event of the same exchange, waiting for this one. Guarded by the queues.</summary>
    public EventWork? Next { get; set; }

    /// <summary>
    /// Counts the uses of this object, so that a cancel that comes late does not hit the next one. Guarded by the queues.
    /// </summary>
    public int Round { get; private set; }

    /// <summary>Memory rented for the event's body.</summary>
    public byte[]? Memory { get; private set; }

    /// <summary>Bytes of the event's payload, for the bound on what is outstanding.</summary>
    public int Size { get; private set; }

    /// <summary>What waits of the same connection.</summary>
    public WorkTurn Turn => _dispatcher.Turn;

    /// <summary>Its place there. Guarded by the queue of works.</summary>
    public LinkedListNode<EventWork> Place => field ??= new LinkedListNode<EventWork>(this);

    /// <summary>Whether a worker is taken for it. Of whoever has it in hand.</summary>
    public bool HasWorker { get; set; }

    /// <summary>Whether its answer is no longer wanted.</summary>
    public bool IsCancelled => _cancellation.IsCancellationRequested;

    public void Start(AgentEvent message, byte[]? memory, int size)
    {
        Event = message;
        Memory = memory;
        Size = size;
        Next = null;
    }

    /// <summary>Makes the object ready for another event; false when its token was used up.</summary>
    public bool TryReset()
    {
        lock (_gate)
        {
            Round++;
            Event = null!;
            Memory = null;
            Next = null;
            return _cancellation.TryReset();
        }
    }

    /// <summary>
    /// Cancels the handler's token; false when the object serves that event no more. The handler's callbacks run on the thread pool.
    /// </summary>
    public bool TryCancel(int round)
    {
        Task cancelling;
        lock (_gate)
        {
            if (round != Round)
            {
                return false;
            }

            // Marks the token now; its callbacks run elsewhere, so the read loop may call this.
            cancelling = _cancellation.CancelAsync();
        }

        _ = ReportAsync(cancelling);
        return true;
    }

    /// <summary>Hands the event to the handler: here, which is for one that never blocks, or from the thread pool.</summary>
    public void Begin(bool isHere)
    {
        if (isHere)
        {
            Execute();
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    public void Execute()
    {
        if (IsCancelled)
        {
            _dispatcher.Finish(this, _dispatcher.Failure(ReasonCodes.Cancelled));
            return;
        }

        ValueTask<AgentResponse> pending;
        try
        {
            pending = Invoke(_dispatcher.Handler, Event, _cancellation.Token);
        }
        catch (Exception e)
        {
            _dispatcher.Finish(this, FailureOf(e));
            return;
        }

        if (pending.IsCompletedSuccessfully)
        {
            Finish(pending.GetAwaiter().GetResult());
            return;
        }

        _ = AwaitAsync(pending);
    }

    private async Task AwaitAsync(ValueTask<AgentResponse> pending)
    {
        AgentResponse answer;
        try
        {
            answer = await pending.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            answer = FailureOf(e);
        }

        Finish(answer);
    }

    private async Task ReportAsync(Task cancelling)
    {
        try
        {
            await cancelling.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.CancellationCallbackFailed(_dispatcher.Logger, e);
        }
    }

    private void Finish(AgentResponse? answer) =>
        _dispatcher.Finish(this, answer ?? FailureOf(new InvalidOperationException("the handler returned null instead of an answer")));

    private AgentResponse FailureOf(Exception e)
    {
        if (e is OperationCanceledException && IsCancelled)
        {
            return _dispatcher.Failure(ReasonCodes.Cancelled);
        }

        Log.HandlerFailed(_dispatcher.Logger, Event.Type, e);
        return _dispatcher.Failure(ReasonCodes.HandlerError);
    }

    private ValueTask<AgentResponse> Invoke(IAgentHandler handler, AgentEvent message, CancellationToken cancellation) => message switch
    {
        RequestHeadersEvent e => handler.OnRequestHeadersAsync(e, _dispatcher.Connection, cancellation),
        RequestBodyChunkEvent e => handler.OnRequestBodyChunkAsync(e, _dispatcher.Connection, cancellation),
        ResponseHeadersEvent e => handler.OnResponseHeadersAsync(e, _dispatcher.Connection, cancellation),
        ResponseBodyChunkEvent e => handler.OnResponseBodyChunkAsync(e, _dispatcher.Connection, cancellation),
        RequestCompleteEvent e => handler.OnRequestCompleteAsync(e, _dispatcher.Connection, cancellation),
        WebSocketFrameEvent e => handler.OnWebSocketFrameAsync(e, _dispatcher.Connection, cancellation),
        GuardrailInspectEvent e => handler.OnGuardrailInspectAsync(e, _dispatcher.Connection, cancellation),
        ConfigureEvent e => handler.OnConfigureAsync(e, _dispatcher.Connection, cancellation),
        _ => throw new InvalidOperationException($"no handler method for a {message.GetType().Name}"),
    };
}
