namespace Sidecar.Daemon.Control.Documents;

/// <summary><c>/status</c>: what an operator looks at first.</summary>
internal sealed record StatusDocument
{
    /// <summary>Always <c>sidecar</c>: by this a client knows whom it has asked.</summary>
    public required string Daemon { get; init; }

    /// <summary>The daemon's version.</summary>
    public required string Version { get; init; }

    /// <summary>Its process.</summary>
    public required int Pid { get; init; }

    /// <summary>When it was started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>For how many seconds it has run.</summary>
    public required double UptimeSeconds { get; init; }

    /// <summary>What needs attention, the gravest first.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    public required IReadOnlyList<ListenerDocument> Listeners { get; init; }

    /// <summary>The agents, as <c>/agents</c> shows them.</summary>
    public required IReadOnlyList<AgentDocument> Agents { get; init; }

    /// <summary>All exchanges.</summary>
    public required ExchangesDocument Exchanges { get; init; }

    /// <summary>Bytes of bodies held for all agents.</summary>
    public required long HeldBodyBytes { get; init; }

    /// <summary>Most bytes that may be.</summary>
    public required long HeldBodyLimit { get; init; }
}

/// <summary>A listener.</summary>
/// <param name="Name">Its name in metrics and logs.</param>
/// <param name="Kind">What it speaks.</param>
/// <param name="Place">The socket's path, or the address.</param>
internal sealed record ListenerDocument(string Name, string Kind, string Place);

/// <summary>Exchanges since the start, by how they are accounted. Received is the sum of all the others.</summary>
/// <param name="Received">All that came.</param>
/// <param name="Open">Not ended yet.</param>
/// <param name="Inspected">Everything was inspected that was to be.</param>
/// <param name="Refused">Refused because it could not be inspected.</param>
/// <param name="Abandoned">Nobody wanted the verdict any more.</param>
/// <param name="Partly">Some of the bytes were inspected.</param>
/// <param name="Bypassed">Passed uninspected.</param>
/// <param name="NotSubject">No agent was to be asked.</param>
internal sealed record ExchangesDocument(
    long Received, long Open, long Inspected, long Refused, long Abandoned, long Partly, long Bypassed, long NotSubject);
