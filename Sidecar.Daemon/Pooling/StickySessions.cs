namespace Sidecar.Daemon.Pooling;

/// <summary>
/// Which connection the exchanges of one client's session go to: WebSocket, server-sent events and long polling meet the agent that knows them (spec §9.4).
/// </summary>
/// <remarks>
/// A session is made by its first exchange and refreshed by every event. It follows its connection's death: the next exchange takes another
/// one, and the session stays there. While its connection only pauses, its exchanges go elsewhere and it stays where it is. Bounded: the one
/// used longest ago makes room. Safe from any thread; each method takes one short lock, and without sticky routes nobody calls any.
/// </remarks>
/// <param name="timeout">How long a session may be unused; <see cref="TimeSpan.MaxValue"/> for ever.</param>
/// <param name="limit">Most sessions, at least 1.</param>
/// <param name="time">The clock.</param>
internal sealed class StickySessions(TimeSpan timeout, int limit, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<StickyKey, LinkedListNode<Entry>> _byKey = [];

    // The one used longest ago first: it is the next to expire and the next to make room.
    private readonly LinkedList<Entry> _byUse = [];

    /// <summary>Sessions now, expired ones included until the next sweep.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byKey.Count;
            }
        }
    }

    /// <summary>Sessions that went to another connection because theirs had ended.</summary>
    public long Moved { get; private set; }

    /// <summary>Sessions that made room for others.</summary>
    public long Evicted { get; private set; }

    /// <summary>Sessions that an operator cleared.</summary>
    public long Cleared { get; private set; }

    /// <summary>Most sessions.</summary>
    public int Limit => Volatile.Read(ref limit);

    /// <summary>Sessions that were unused for too long.</summary>
    public long Expired { get; private set; }

    /// <summary>The connection of a session if new exchanges may go there, whether it has room or not; null to choose freely.</summary>
    public PooledConnection? Find(StickyKey key)
    {
        lock (_gate)
        {
            Expire();
            return _byKey.TryGetValue(key, out var node) && node.Value.Connection is { TakesNew: true } connection ? connection : null;
        }
    }

    /// <summary>An event of the session goes to a connection.</summary>
    public void Use(StickyKey key, PooledConnection connection)
    {
        lock (_gate)
        {
            Expire();
            if (!_byKey.TryGetValue(key, out var node))
            {
                Add(key, connection);
                return;
            }

            if (node.Value.Connection != connection && IsGone(node.Value.Connection))
            {
                node.Value.Connection = connection;
                Moved++;
            }

            node.Value.UsedAt = time.GetTimestamp();
            _byUse.Remove(node);
            _byUse.AddLast(node);
        }
    }

    /// <summary>Other bounds from now on; those used longest ago go first where there are too many.</summary>
    public void Within(TimeSpan unused, int most)
    {
        lock (_gate)
        {
            (timeout, limit) = (unused, most);
            while (_byKey.Count > limit)
            {
                Remove(_byUse.First!);
                Evicted++;
            }
        }
    }

    /// <summary>A connection has ended: its sessions no longer keep it in memory.</summary>
    public void Forget(PooledConnection connection)
    {
        lock (_gate)
        {
            foreach (var entry in _byUse)
            {
                entry.Connection = entry.Connection == connection ? null : entry.Connection;
            }
        }
    }

    /// <summary>Forgets the sessions that were unused for too long.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            Expire();
        }
    }

    /// <summary>The sessions, the one used last first.</summary>
    /// <param name="most">Not more than that many.</param>
    public IReadOnlyList<StickySession> List(int most = int.MaxValue)
    {
        lock (_gate)
        {
            Expire();
            var now = time.GetTimestamp();
            return [
                .. _byUse.Reverse().Take(most)
                .Select(entry => new StickySession(entry.Key, entry.Connection?.Connection.Id, time.GetElapsedTime(entry.UsedAt, now)))];
        }
    }

    /// <summary>Forgets one session; false when there is none. Its exchanges under way keep their connection.</summary>
    public bool Clear(StickyKey key)
    {
        lock (_gate)
        {
            var isThere = _byKey.TryGetValue(key, out var node) && Remove(node);
            Cleared += isThere ? 1 : 0;
            return isThere;
        }
    }

    /// <summary>Forgets all sessions and says how many there were.</summary>
    public int Clear()
    {
        lock (_gate)
        {
            var count = _byKey.Count;
            Cleared += count;
            _byKey.Clear();
            _byUse.Clear();
            return count;
        }
    }

    // One that retires takes nothing new and will never do so again.
    private static bool IsGone(PooledConnection? connection) => connection is null or { Connection.IsOpen: false } or { IsRetiring: true };

    // The rest only under the lock.
    private void Add(StickyKey key, PooledConnection connection)
    {
        if (_byKey.Count >= limit)
        {
            Remove(_byUse.First!);
            Evicted++;
        }

        _byKey.Add(key, _byUse.AddLast(new Entry(key) { Connection = connection, UsedAt = time.GetTimestamp() }));
    }

    private void Expire()
    {
        while (_byUse.First is { } oldest && time.GetElapsedTime(oldest.Value.UsedAt) >= timeout)
        {
            Remove(oldest);
            Expired++;
        }
    }

    private bool Remove(LinkedListNode<Entry> node)
    {
        _byUse.Remove(node);
        return _byKey.Remove(node.Value.Key);
    }

    private sealed class Entry(StickyKey key)
    {
        public StickyKey Key => key;

        public PooledConnection? Connection { get; set; }

        public long UsedAt { get; set; }
    }
}

/// <summary>A session as it is listed.</summary>
/// <param name="Key">Its key, by which it can be cleared.</param>
/// <param name="Connection">The connection's id; null when that has ended and no exchange has come since.</param>
/// <param name="Idle">Time since its last event.</param>
internal readonly record struct StickySession(StickyKey Key, string? Connection, TimeSpan Idle);
