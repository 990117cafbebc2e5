using System.Text.Json;

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

    /// <summary>The configuration that counts.</summary>
    public required ConfigurationDocument Configuration { get; init; }

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

/// <summary><c>/sessions</c>: what is under way. As long as the configuration is, however many exchanges are open.</summary>
internal sealed record SessionsDocument
{
    /// <summary>Always <c>sidecar</c>: by this a client knows whom it has asked.</summary>
    public required string Daemon { get; init; }

    /// <summary>The exchanges by listener and route.</summary>
    public required IReadOnlyList<RouteExchangesDocument> Exchanges { get; init; }

    /// <summary>The sticky sessions by agent.</summary>
    public required IReadOnlyList<StickyAgentDocument> Sticky { get; init; }
}

/// <summary>The exchanges of one listener on one route.</summary>
/// <param name="Listener">The listener's name.</param>
/// <param name="Route">The route's id; <c>none</c> where no route took them.</param>
/// <param name="Exchanges">Their counts.</param>
internal sealed record RouteExchangesDocument(string Listener, string Route, ExchangesDocument Exchanges);

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

/// <summary><c>/config-pushes</c>: configurations on their way to agents, and what agents asked about theirs.</summary>
internal sealed record ConfigPushesDocument
{
    /// <summary>Always <c>sidecar</c>: by this a client knows whom it has asked.</summary>
    public required string Daemon { get; init; }

    /// <summary>Pushes that have not ended, and those that did lately, oldest first.</summary>
    public required IReadOnlyList<ConfigPushDocument> Pushes { get; init; }

    /// <summary>The latest requests of agents, oldest first; absent in the answer to a push.</summary>
    public IReadOnlyList<UpdateRequestDocument>? UpdateRequests { get; init; }

    /// <summary>Why some agents are not pushed to, in the answer to a push.</summary>
    public IReadOnlyList<string>? Errors { get; init; }
}

/// <summary>A push.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Agent">The agent.</param>
/// <param name="State"><c>pending</c>, <c>sent</c>, <c>acknowledged</c>, <c>failed</c> or <c>expired</c>.</param>
/// <param name="Reason">Why it is not acknowledged.</param>
/// <param name="Version">What the agent is told as the configuration's version.</param>
/// <param name="Attempts">Attempts made.</param>
/// <param name="AcceptedConnections">Connections that have accepted it.</param>
/// <param name="CreatedAt">When it was asked for.</param>
/// <param name="EndedAt">When it ended.</param>
internal sealed record ConfigPushDocument(
    string Id, string Agent, string State, string? Reason, string? Version, int Attempts, int AcceptedConnections, DateTimeOffset CreatedAt,
    DateTimeOffset? EndedAt);

/// <summary>A request of an agent about its configuration.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Connection">The connection it came on.</param>
/// <param name="RequestId">The agent's name for it.</param>
/// <param name="Type">What it asks.</param>
/// <param name="Detail">What it says.</param>
/// <param name="Accepted">Whether it was accepted.</param>
/// <param name="Error">Why not.</param>
/// <param name="Replied">Whether the agent could be told.</param>
/// <param name="ReceivedAt">When it came.</param>
internal sealed record UpdateRequestDocument(
    string Agent, string Connection, string RequestId, string Type, string Detail, bool Accepted, string? Error, bool Replied,
    DateTimeOffset ReceivedAt);

/// <summary>What is sent to <c>/config-pushes</c>.</summary>
/// <param name="Agent">The agent; absent for all that take pushes.</param>
/// <param name="Config">The configuration; absent for the agent's configuration file, read again.</param>
internal sealed record ConfigPushOrder(string? Agent, JsonElement? Config);

/// <summary>Why there is no other answer.</summary>
/// <param name="Daemon">Always <c>sidecar</c>: by this a client knows whom it has asked.</param>
/// <param name="Error">What was wrong, and what to do.</param>
internal sealed record ErrorDocument(string Daemon, string Error);
