namespace Sidecar.Protocol.Sdk;

/// <summary>Keeps the events of one exchange in order while those of different exchanges run side by side (spec §5.2).</summary>
/// <remarks>An exchange has an entry only while one of its events is in work, so the table is bounded by the events outstanding.</remarks>
internal sealed class ExchangeQueues
{
    private const int LargestPool = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<CorrelationId, Lane> _lanes = [];
    private readonly Stack<EventWork> _free = new();
    private readonly EventDispatcher _dispatcher;
    private readonly int _limit;
    private readonly long _byteLimit;
    private long _bytes;
    private TaskCompletionSource? _empty;
    private TaskCompletionSource? _room;
    private bool _isClosed;

    public ExchangeQueues(EventDispatcher dispatcher, int limit, long byteLimit) =>
        (_dispatcher, _limit, _byteLimit) = (dispatcher, limit, byteLimit);

    public int Outstanding { get; private set; }

    // One event alone is always taken, whatever its size.
    private bool IsFull => Outstanding > _limit || (_bytes > _byteLimit && Outstanding > 1);

    /// <summary>Takes an event. The caller starts the returned work; null means that it waits behind another of its exchange.</summary>
    public EventWork? Enter(AgentEvent message, byte[]? memory, int size, out bool isFull)
    {
        lock (_gate)
        {
            Outstanding++;
            _bytes += size;
            isFull = IsFull;
            if (!_free.TryPop(out var work))
            {
                work = new EventWork(_dispatcher);
            }

            work.Start(message, memory, size);
            if (!_lanes.TryGetValue(message.CorrelationId, out var lane))
            {
                _lanes.Add(message.CorrelationId, new Lane(work, work));
                return work;
            }

            lane.Last.Next = work;
            _lanes[message.CorrelationId] = lane with { Last = work };
            return null;
        }
    }

    /// <summary>An event is answered. Returns the next of its exchange, to be started.</summary>
    public EventWork? Leave(EventWork work)
    {
        lock (_gate)
        {
            var id = work.Event.CorrelationId;
            var next = work.Next;
            if (next is null)
            {
                _lanes.Remove(id);
            }
            else
            {
                _lanes[id] = _lanes[id] with { First = next };
            }

            _bytes -= work.Size;
            EventMemory.Return(work.Memory);
            if (work.TryReset() && _free.Count < LargestPool)
            {
                _free.Push(work);
            }

            CountDown();
            return next;
        }
    }

    /// <summary>A refusal that is not sent yet takes room beside the events.</summary>
    public void Hold(out bool isFull)
    {
        lock (_gate)
        {
            Outstanding++;
            isFull = IsFull;
        }
    }

    /// <summary>A refusal that was held is sent.</summary>
    public void Release()
    {
        lock (_gate)
        {
            CountDown();
        }
    }

    /// <summary>All events of one exchange that are not answered yet, each with its round of this moment.</summary>
    public List<(EventWork Work, int Round)> Of(CorrelationId id)
    {
        var found = new List<(EventWork Work, int Round)>();
        lock (_gate)
        {
            Collect(_lanes.GetValueOrDefault(id).First, found);
        }

        return found;
    }

    /// <summary>All events that are not answered yet, each with its round of this moment.</summary>
    public List<(EventWork Work, int Round)> All()
    {
        var found = new List<(EventWork Work, int Round)>();
        lock (_gate)
        {
            foreach (var lane in _lanes.Values)
            {
                Collect(lane.First, found);
            }
        }

        return found;
    }

    /// <summary>Completes when nothing is outstanding.</summary>
    public Task WhenEmptyAsync()
    {
        lock (_gate)
        {
            return Outstanding == 0 ? Task.CompletedTask : (_empty ??= NewSignal()).Task;
        }
    }

    /// <summary>Completes when there is room for another event, or none comes any more.</summary>
    public Task WhenRoomAsync()
    {
        lock (_gate)
        {
            return IsFull && !_isClosed ? (_room ??= NewSignal()).Task : Task.CompletedTask;
        }
    }

    /// <summary>No further event comes.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _room?.TrySetResult();
        }
    }

    // Who waits goes on elsewhere, so that it may be told under the lock.
    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void Collect(EventWork? first, List<(EventWork Work, int Round)> found)
    {
        for (var work = first; work is not null; work = work.Next)
        {
            found.Add((work, work.Round));
        }
    }

    private void CountDown()
    {
        Outstanding--;
        if (_room is not null && !IsFull)
        {
            _room.TrySetResult();
            _room = null;
        }

        if (Outstanding == 0)
        {
            _empty?.TrySetResult();
            _empty = null;
        }
    }

    private readonly record struct Lane(EventWork First, EventWork Last);
}
