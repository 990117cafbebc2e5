using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// What one connection has reserved of a budget, adjusted as what it keeps grows and shrinks. Not safe for several threads.
/// </summary>
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
