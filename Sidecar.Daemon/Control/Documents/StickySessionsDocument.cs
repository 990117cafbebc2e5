namespace Sidecar.Daemon.Control.Documents;

/// <summary><c>/sessions/AGENT</c>: the sticky sessions of one agent, the one used last first.</summary>
internal sealed record StickySessionsDocument
{
    /// <summary>Always <c>sidecar</c>: by this a client knows whom it has asked.</summary>
    public required string Daemon { get; init; }

    /// <summary>Their counts.</summary>
    public required StickyAgentDocument Agent { get; init; }

    /// <summary>The sessions, not more than a page of them.</summary>
    public required IReadOnlyList<StickySessionDocument> Sessions { get; init; }
}

/// <summary>The sticky sessions of one agent in numbers.</summary>
/// <param name="Agent">The agent's id.</param>
/// <param name="Live">Sessions now.</param>
/// <param name="Limit">Most sessions.</param>
/// <param name="Moved">Those that went to another connection because theirs had ended.</param>
/// <param name="Expired">Those that were unused for too long.</param>
/// <param name="Evicted">Those that made room for others.</param>
/// <param name="Cleared">Those that an operator cleared.</param>
internal sealed record StickyAgentDocument(string Agent, int Live, int Limit, long Moved, long Expired, long Evicted, long Cleared);

/// <summary>One sticky session.</summary>
/// <param name="Key">Its key, a digest of what the client showed; by it the session can be cleared.</param>
/// <param name="Connection">The connection's id; left out when that has ended and no exchange has come since.</param>
/// <param name="IdleSeconds">Time since its last event.</param>
internal sealed record StickySessionDocument(string Key, string? Connection, double IdleSeconds);

/// <summary>The answer to an order to clear sticky sessions.</summary>
/// <param name="Daemon">Always <c>sidecar</c>.</param>
/// <param name="Agent">The agent's id.</param>
/// <param name="Cleared">How many were.</param>
internal sealed record StickyClearedDocument(string Daemon, string Agent, int Cleared);
