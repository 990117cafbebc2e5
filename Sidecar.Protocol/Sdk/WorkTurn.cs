namespace Sidecar.Protocol.Sdk;

/// <summary>What waits for a worker of one connection, in the order in which it came. Guarded by the queue.</summary>
internal sealed class WorkTurn
{
    private readonly LinkedList<EventWork> _waiting = new();

    /// <summary>A connection's place among the others.</summary>
    public WorkTurn() => Place = new LinkedListNode<WorkTurn>(this);

    /// <summary>Its place among the connections; in their list exactly while something waits here.</summary>
    public LinkedListNode<WorkTurn> Place { get; }

    /// <summary>Adds a work; true when it is the only one.</summary>
    public bool Add(EventWork work)
    {
        _waiting.AddLast(work.Place);
        return _waiting.Count == 1;
    }

    /// <summary>Takes the first.</summary>
    public EventWork Take(out bool isLast)
    {
        var first = _waiting.First!;
        _waiting.RemoveFirst();
        isLast = _waiting.Count == 0;
        return first.Value;
    }

    /// <summary>Takes this one out, wherever it stands. False when it does not wait here.</summary>
    public bool TryRemove(EventWork work, out bool isLast)
    {
        var waits = work.Place.List == _waiting;
        if (waits)
        {
            _waiting.Remove(work.Place);
        }

        isLast = _waiting.Count == 0;
        return waits;
    }
}
