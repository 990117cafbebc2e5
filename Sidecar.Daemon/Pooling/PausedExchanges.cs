using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>The exchanges of one connection whose bodies the agent asks to hold (spec §6.1). Safe from any thread.</summary>
/// <remarks>
/// An agent names what it likes, and nobody says when an exchange is forgotten: so at most <see cref="Most"/> are remembered, the oldest go
/// first, and none for longer than a minute. Forgetting one means that its next piece is sent, which the agent's own limits must bear.
/// </remarks>
internal sealed class PausedExchanges(TimeProvider time)
{
    /// <summary>Most exchanges remembered: four times the calls that a connection carries by default.</summary>
    public const int Most = 1024;

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<CorrelationId, Entry> _entries = [];
    private readonly Queue<(CorrelationId Id, long Number)> _order = new();
    private long _last;
    private volatile int _count;

    /// <summary>Exchanges held.</summary>
    public int Count => _count;

    /// <summary>Takes a signal that names an exchange.</summary>
    public void Apply(FlowControlSignal signal)
    {
        lock (_gate)
        {
            var held = signal.Action == FlowAction.Pause || signal is { Action: FlowAction.UpdateCapacity, BufferAvailable: 0 };
            if (!held)
            {
                _entries.Remove(signal.CorrelationId);
            }
            else
            {
                _entries[signal.CorrelationId] = new Entry(++_last, time.GetTimestamp());
                _order.Enqueue((signal.CorrelationId, _last));
            }

            // Entries renewed or removed since leave their old place in the order behind.
            while (_order.TryPeek(out var oldest) && (_order.Count > Most || !IsCurrent(oldest)))
            {
                _order.Dequeue();
                if (IsCurrent(oldest))
                {
                    _entries.Remove(oldest.Id);
                }
            }

            _count = _entries.Count;
        }
    }

    /// <summary>Whether the pieces of this exchange's bodies must wait.</summary>
    public bool Contains(CorrelationId id)
    {
        if (_count == 0)
        {
            return false;
        }

        lock (_gate)
        {
            return _entries.TryGetValue(id, out var entry) && time.GetElapsedTime(entry.Since) < Longest;
        }
    }

    private bool IsCurrent((CorrelationId Id, long Number) place) => _entries.TryGetValue(place.Id, out var entry) && entry.Number == place.Number;

    private readonly record struct Entry(long Number, long Since);
}
