using System.Runtime.InteropServices;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>The calls of one connection that wait for answers, and the tombstones of those that no longer do.</summary>
/// <remarks>
/// An answer names the exchange, not the call. So a call that ends unanswered leaves a tombstone that keeps its slot: the next answer for that
/// exchange settles the oldest debt and is dropped, never taken for a later call. Not synchronised: the connection's lock guards it.
/// </remarks>
internal sealed class CallTable
{
    private readonly Dictionary<CorrelationId, Entry> _entries = [];

    /// <summary>Slots taken: waiting calls and owed answers.</summary>
    public int InFlight { get; private set; }

    /// <summary>Answers still owed.</summary>
    public int Owed { get; private set; }

    /// <summary>Whether an exchange has a call waiting, and how many answers are owed to it.</summary>
    public (bool Waiting, int Owed) Of(CorrelationId id) =>
        _entries.TryGetValue(id, out var entry) ? (entry.Call is not null, entry.Owed) : (false, 0);

    /// <summary>Registers the only waiting call of its exchange.</summary>
    public void Add(CorrelationId id, PendingCall call)
    {
        ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_entries, id, out _);
        entry.Call = call;
        InFlight++;
    }

    /// <summary>Takes back a call that was never sent.</summary>
    public void Withdraw(CorrelationId id)
    {
        ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(_entries, id);
        entry.Call = null;
        InFlight--;
        RemoveIfEmpty(id, entry);
    }

    /// <summary>An answer has come. Returns the call it is for; null when it settles a debt or nobody waits for it.</summary>
    /// <param name="id">The exchange.</param>
    /// <param name="wasOwed">True when it settled a debt.</param>
    public PendingCall? Answer(CorrelationId id, out bool wasOwed)
    {
        wasOwed = false;
        ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(_entries, id);
        if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref entry))
        {
            return null;
        }

        PendingCall? call = null;
        InFlight--;
        if (entry.Owed > 0)
        {
            entry.Owed--;
            Owed--;
            wasOwed = true;
        }
        else
        {
            (call, entry.Call) = (entry.Call, null);
        }

        RemoveIfEmpty(id, entry);
        return call;
    }

    /// <summary>Gives up the waiting call of an exchange and leaves a tombstone.</summary>
    public PendingCall? Bury(CorrelationId id)
    {
        ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(_entries, id);
        if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref entry) || entry.Call is null)
        {
            return null;
        }

        PendingCall? call;
        (call, entry.Call) = (entry.Call, null);
        entry.Owed++;
        Owed++;
        return call;
    }

    /// <summary>The exchanges whose calls are due, and the earliest deadline of the others (<see cref="long.MaxValue"/> when there is none).</summary>
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
        (InFlight, Owed) = (0, 0);
        return waiting;
    }

    private void RemoveIfEmpty(CorrelationId id, Entry entry)
    {
        if (entry is { Call: null, Owed: 0 })
        {
            _entries.Remove(id);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Entry
    {
        public PendingCall? Call;
        public int Owed;
    }
}
