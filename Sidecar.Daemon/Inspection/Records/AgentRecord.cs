using System.Runtime.InteropServices;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;

namespace Sidecar.Daemon.Inspection.Records;

/// <summary>One agent's part in an exchange as a whole.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct AgentRecord
{
    /// <summary>Its id.</summary>
    public required string Agent { get; init; }

    /// <summary>The name of the version that had the exchange; null where it took no part, because it is off here, or leaves.</summary>
    public string? Version { get; init; }

    /// <summary>How it takes part on this route.</summary>
    public required AgentMode Mode { get; init; }

    /// <summary>Its stage on the route, from 0: those of one stage are asked at the same time.</summary>
    public required int Stage { get; init; }

    /// <summary>How its part in the request is accounted; only of agents that enforce.</summary>
    public LedgerEntry Request { get; init; }

    /// <summary>How its part in the response is accounted; only of agents that enforce.</summary>
    public LedgerEntry Response { get; init; }

    /// <summary>Bytes of the request's body that it was to see.</summary>
    public BodyRecord RequestBody { get; init; }

    /// <summary>Bytes of the response's body that it was to see.</summary>
    public BodyRecord ResponseBody { get; init; }

    /// <summary>Calls of this exchange to it, also those of which no entry is kept.</summary>
    public int Calls { get; init; }
}

/// <summary>What an agent saw of a body.</summary>
/// <param name="Seen">Bytes it answered about.</param>
/// <param name="Missed">Bytes that passed it by.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BodyRecord(long Seen, long Missed);
