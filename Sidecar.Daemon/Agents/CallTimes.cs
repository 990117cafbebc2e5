using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Agents;

/// <summary>When a call went through its stages: timestamps of the clock, each not before the one above it; 0 for a stage that it did not reach.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CallTimes
{
    /// <summary>When it was asked for.</summary>
    public long Asked { get; init; }

    /// <summary>When earlier events of the exchange had been answered, and its turn came.</summary>
    public long Entered { get; init; }

    /// <summary>When a slot and a connection were its own: it waits in the queue until then.</summary>
    public long Permitted { get; init; }

    /// <summary>When the event was encoded and handed to the connection.</summary>
    public long Sent { get; init; }

    /// <summary>When whoever asked had the answer, decoded, or knew that there is none.</summary>
    public long Settled { get; init; }

    /// <summary>From its turn to its end.</summary>
    public TimeSpan Took { get; init; }
}
