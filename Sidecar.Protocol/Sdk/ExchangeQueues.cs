using Sidecar.Protocol.Messages;

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
    private int _held;

    public ExchangeQueues(EventDispatcher dispatcher, int limit, long byteLimit) => (_dispatcher, _limit, _byteLimit) = (dispatcher, limit, byteLimit);

    public int Outstanding { get; private set; }

    /// <summary>Takes an event. The caller starts the returned work; null means that it waits behind another or that there is no room.</summary>
    public EventWork? Enter(AgentEvent message, byte[]? memory, int size, out bool refused)
    {
        lock (_gate)
        {
            refused = Outstanding >= _limit || (_bytes > 0 && _bytes + size > _byteLimit);
            if (refused)
            {
                return null;
            }

            Outstanding++;
            _bytes += size;
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
        TaskCompletionSource? empty;
        EventWork? next;
        lock (_gate)
        {
            var id = work.Event.CorrelationId;
            next = work.Next;
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

            empty = CountDown();
        }

        empty?.TrySetResult();
        return next;
    }

    /// <summary>A refusal that is not sent yet takes room beside the events, as much again at most. False when there is none.</summary>
    public bool TryHold()
    {
        lock (_gate)
        {
            if (_held >= _limit)
            {
                return false;
            }

            _held++;
            Outstanding++;
            return true;
        }
    }

    /// <summary>A refusal that was held is sent.</summary>
    public void Release()
    {
        TaskCompletionSource? empty;
        lock (_gate)
        {
            _held--;
            empty = CountDown();
        }

        empty?.TrySetResult();
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
            return Outstanding == 0
                ? Task.CompletedTask
                : (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    private static void Collect(EventWork? first, List<(EventWork Work, int Round)> found)
    {
        for (var work = first; work is not null; work = work.Next)
        {
            found.Add((work, work.Round));
        }
    }

    private TaskCompletionSource? CountDown()
    {
        if (--Outstanding > 0)
        {
            return null;
        }

        var empty = _empty;
        _empty = null;
        return empty;
    }

    private readonly record struct Lane(EventWork First, EventWork Last);
}
