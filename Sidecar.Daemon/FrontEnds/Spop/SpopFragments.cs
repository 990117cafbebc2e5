using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>The fragments of one connection, whose bytes count against the daemon's body memory. For the read loop.</summary>
internal sealed class SpopFragments(SpopFragmentLimits limits, ByteBudget memory) : IDisposable
{
    // A buffer grows by doubling.
    private const int PerByte = 2;

    private readonly SpopReassembler _reassembler = new(limits);
    private readonly BudgetShare _share = new(memory);

    /// <summary>Whether a message is begun and not whole.</summary>
    public bool HasAny => _reassembler.Open > 0;

    /// <inheritdoc cref="SpopReassembler.Add"/>
    public SpopAssembly Add(in SpopFrame frame, long now, out SpopPayload payload, out SpopError error)
    {
        var assembly = _reassembler.Add(frame, now, out payload, out error);
        if (!TrySettle())
        {
            // Of all that is collected here: whose turn would be next nobody knows. They end as refused.
            _reassembler.Expire(long.MaxValue);
            TrySettle();
        }

        return assembly;
    }

    /// <summary>Drops what was begun before a moment.</summary>
    public void Expire(long before)
    {
        if (HasAny && _reassembler.Expire(before) > 0)
        {
            TrySettle();
        }
    }

    public void Dispose()
    {
        _reassembler.Dispose();
        TrySettle();
    }

    private bool TrySettle() => _share.TrySettle(_reassembler.Bytes * PerByte);
}

/// <summary>What one connection has reserved of a budget, adjusted as what it keeps grows and shrinks. Not safe for several threads.</summary>
internal sealed class BudgetShare(ByteBudget budget) : IDisposable
{
    private long _reserved;

    /// <summary>Adjusts the reservation; false, and then it stays as it was, when too little is left.</summary>
    /// <param name="bytes">How many bytes are kept now.</param>
    public bool TrySettle(long bytes)
    {
        if (bytes > _reserved && !budget.TryReserve(bytes - _reserved))
        {
            return false;
        }

        if (bytes < _reserved)
        {
            budget.Return(_reserved - bytes);
        }

        _reserved = bytes;
        return true;
    }

    /// <summary>Gives everything back.</summary>
    public void Dispose() => TrySettle(0);
}
