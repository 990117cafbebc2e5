using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections.Calls;

/// <summary>The calls of one connection that wait for answers, and the tombstones of those that no longer do.</summary>
/// <remarks>
/// An answer names the exchange, not the call. So a call that ends unanswered leaves a tombstone that keeps its slot: the next answer for
/// that exchange settles the oldest debt and is dropped, never taken for a later call. A call that still waits for room in the write buffer
/// has its slot too, but no answer can be for it and it leaves no tombstone. Changed only under the lock of
/// <see cref="OutstandingCalls{TEvent}"/>; the two counts may be read without it.
/// </remarks>
internal sealed class CallTable
{
    /// <summary>Most debts remembered that may never be settled: four times the calls that a connection carries by default.</summary>
    public const int MostUncertain = 1024;

    private readonly Queue<CorrelationId> _uncertain = new();
    private readonly Dictionary<CorrelationId, Entry> _entries = [];
    private int _inFlight;
    private int _owed;

    /// <summary>
    /// Whether a call that ended unanswered is still owed its answer, as on a stream of messages. Not where each call is a request of its
    /// own with an id of its own: the answer to an abandoned one is for nobody, and its slot is free at once.
    /// </summary>
    public bool OwesAnswers { get; set; } = true;

    /// <summary>Slots taken: waiting calls and owed answers.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Answers still owed.</summary>
    public int Owed => Volatile.Read(ref _owed);

    /// <summary>Whether an exchange has a call waiting, and how many answers are owed to it.</summary>
    public (bool Waiting, int Owed) Of(CorrelationId id) =>
        _entries.TryGetValue(id, out var entry) ? (entry.Call is not null, entry.Owed + entry.Uncertain) : (false, 0);

    /// <summary>
    /// The exchange whose answer comes next where answers come in order: of one call at a time there is only one. The empty id when none is
    /// due.
    /// </summary>
    public CorrelationId Next
    {
        get
        {
            foreach (var (id, entry) in _entries)
            {
                return entry.Owed > 0 || entry.IsSent ? id : default;
            }

            return default;
        }
    }

    /// <summary>Registers the only waiting call of its exchange.</summary>
    /// <param name="id">The exchange.</param>
    /// <param name="call">The call.</param>
    /// <param name="isSent">False when its event waits for room in the write buffer.</param>
    /// <param name="mayStaySilent">
    /// Whether the agent may be of those that never answer such an event: then its tombstone keeps no slot.
    /// </param>
    public void Add(CorrelationId id, PendingCall call, bool isSent, bool mayStaySilent)
    {
        ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_entries, id, out _);
        (entry.Call, entry.IsSent, entry.MayStaySilent) = (call, isSent, mayStaySilent);
        _inFlight++;
    }

    /// <summary>Whether this very call still waits for room.</summary>
    public bool IsUnsent(CorrelationId id, PendingCall call, short life) =>
        _entries.TryGetValue(id, out var entry) && entry.Call == call && !entry.IsSent && call.Life == life;

    /// <summary>Notes that the event of the waiting call has gone.</summary>
    public void MarkSent(CorrelationId id) => CollectionsMarshal.GetValueRefOrNullRef(_entries, id).IsSent = true;

    /// <summary>An answer has come: for the call that waits, or it settles a debt, or nobody asked for it.</summary>
    /// <param name="id">The exchange.</param>
    /// <param name="call">The call that it is for; null unless it is for one.</param>
    public AnswerUse Answer(CorrelationId id, out PendingCall? call)
    {
        call = null;
        ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(_entries, id);
        if (Unsafe.IsNullRef(ref entry))
        {
            return AnswerUse.Unasked;
        }

        AnswerUse use;
        if (entry.Owed > 0)
        {
            entry.Owed--;
            _owed--;
            use = AnswerUse.Late;
        }
        else if (entry is { Call: not null, IsSent: true })
        {
            // With uncertain debts this is the end of the exchange: no answer after it can be taken for another's.
            (call, entry.Call, entry.Uncertain) = (entry.Call, null, 0);
            use = AnswerUse.Taken;
        }
        else if (entry.Uncertain > 0)
        {
            entry.Uncertain--;
            RemoveIfEmpty(id, entry);
            return AnswerUse.Late;
        }
        else
        {
            return AnswerUse.Unasked;
        }

        _inFlight--;
        RemoveIfEmpty(id, entry);
        return use;
    }

    /// <summary>Gives up the waiting call of an exchange; if its event was sent and an answer is owed, a tombstone stays.</summary>
    public PendingCall? Bury(CorrelationId id, out bool wasSent)
    {
        ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(_entries, id);
        wasSent = false;
        if (Unsafe.IsNullRef(ref entry) || entry.Call is null)
        {
            return null;
        }

        PendingCall? call;
        (call, entry.Call, wasSent) = (entry.Call, null, entry.IsSent);
        var isOwed = wasSent && OwesAnswers;
        if (isOwed && entry.MayStaySilent)
        {
            entry.Uncertain++;
            _inFlight--;
            Remember(id);
        }
        else if (isOwed)
        {
            entry.Owed++;
            _owed++;
        }
        else
        {
            _inFlight--;
            RemoveIfEmpty(id, entry);
        }

        return call;
    }

    /// <summary>
    /// The exchanges whose calls are due, and the earliest deadline of the others (<see cref="long.MaxValue"/> when there is none).
    /// </summary>
    public long FindDue(long now, List<CorrelationId> due)
    {
        var next = long.MaxValue;
        foreach (var (id, entry) in _entries)
        {
            if (entry.Call is null)
            {
                continue;
            }

            if (entry.Call.Deadline <= now)
            {
                due.Add(id);
            }
            else
            {
                next = Math.Min(next, entry.Call.Deadline);
            }
        }

        return next;
    }

    /// <summary>The exchanges that have a call waiting.</summary>
    public void FindWaiting(List<CorrelationId> waiting)
    {
        foreach (var (id, entry) in _entries)
        {
            if (entry.Call is not null)
            {
                waiting.Add(id);
            }
        }
    }

    /// <summary>Empties the table and returns the calls that were waiting.</summary>
    public List<PendingCall> Clear()
    {
        var waiting = new List<PendingCall>();
        foreach (var entry in _entries.Values)
        {
            if (entry.Call is not null)
            {
                waiting.Add(entry.Call);
            }
        }

        _entries.Clear();
        _uncertain.Clear();
        (_inFlight, _owed) = (0, 0);
        return waiting;
    }

    // Nobody says when such a debt is over, so the oldest is forgotten; its exchange has long ended by then.
    private void Remember(CorrelationId id)
    {
        _uncertain.Enqueue(id);
        if (_uncertain.Count <= MostUncertain)
        {
            return;
        }

        var oldest = _uncertain.Dequeue();
        ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(_entries, oldest);
        if (!Unsafe.IsNullRef(ref entry) && entry.Uncertain > 0)
        {
            entry.Uncertain--;
            RemoveIfEmpty(oldest, entry);
        }
    }

    private void RemoveIfEmpty(CorrelationId id, Entry entry)
    {
        if (entry is { Call: null, Owed: 0, Uncertain: 0 })
        {
            _entries.Remove(id);
        }
    }

    private struct Entry
    {
        public PendingCall? Call;
        public int Owed;
        public int Uncertain;
        public bool IsSent;
        public bool MayStaySilent;
    }
}

/// <summary>What an answer was good for.</summary>
internal enum AnswerUse
{
    /// <summary>A call waited for it.</summary>
    Taken,

    /// <summary>It was owed for a call that had ended without it.</summary>
    Late,

    /// <summary>Nobody had asked for it.</summary>
    Unasked,
}
