using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Agents;

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
    private TaskCompletionSource? _empty;

    public ExchangeQueues(EventDispatcher dispatcher, int limit) => (_dispatcher, _limit) = (dispatcher, limit);

    public int Outstanding { get; private set; }

    /// <summary>Takes an event. The caller starts the returned work; null means that it waits behind another or that there is no room.</summary>
    public EventWork? Enter(AgentEvent message, byte[]? memory, out bool refused)
    {
        lock (_gate)
        {
            refused = Outstanding >= _limit;
            if (refused)
            {
                return null;
            }

            Outstanding++;
            if (!_free.TryPop(out var work))
            {
                work = new EventWork(_dispatcher);
            }

            work.Start(message, memory);
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
        TaskCompletionSource? empty = null;
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

            EventMemory.Return(work.Memory);
            if (work.TryReset() && _free.Count < LargestPool)
            {
                _free.Push(work);
            }

            if (--Outstanding == 0)
            {
                (empty, _empty) = (_empty, null);
            }
        }

        empty?.TrySetResult();
        return next;
    }

    /// <summary>All events of one exchange that are not answered yet.</summary>
    public List<EventWork> Of(CorrelationId id)
    {
        lock (_gate)
        {
            var found = new List<EventWork>();
            for (var work = _lanes.GetValueOrDefault(id).First; work is not null; work = work.Next)
            {
                found.Add(work);
            }

            return found;
        }
    }

    /// <summary>All events that are not answered yet.</summary>
    public List<EventWork> All()
    {
        lock (_gate)
        {
            var found = new List<EventWork>();
            foreach (var lane in _lanes.Values)
            {
                for (EventWork? work = lane.First; work is not null; work = work.Next)
                {
                    found.Add(work);
                }
            }

            return found;
        }
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

    private readonly record struct Lane(EventWork First, EventWork Last);
}
