using System.Runtime.InteropServices;
using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Inspection.Ledger;

/// <summary>One line of the ledger: the weightiest state so far, with its cause.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LedgerEntry(LedgerState State, Cause Cause)
{
    private static readonly string[] Labels = ["not-subject", "inspected", "abandoned", "refused", "partly", "bypassed"];

    /// <summary>The state's label value.</summary>
    public string Label => Labels[(int)State];

    /// <summary>This entry, or the other when it weighs more, or as much and says why; of why nobody is asked the last word counts.</summary>
    public LedgerEntry Or(LedgerEntry other) => other.State > State
        || (other.State == State && (Cause == Cause.None || (State == LedgerState.NotSubject && other.Cause != Cause.None))) ? other : this;
}
