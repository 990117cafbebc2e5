namespace Sidecar.Daemon.Control.Documents;

/// <summary><c>/agents</c>: every agent, version and connection.</summary>
internal sealed record AgentsDocument
{
    /// <summary>Always <c>sidecar</c>: by this a client knows whom it has asked.</summary>
    public required string Daemon { get; init; }

    /// <summary>The agents in the order of the configuration.</summary>
    public required IReadOnlyList<AgentDocument> Agents { get; init; }
}

/// <summary>An agent.</summary>
internal sealed record AgentDocument
{
    public required string Id { get; init; }

    /// <summary><c>enforce</c>, <c>monitor</c> or <c>off</c>; a route may say otherwise.</summary>
    public required string Mode { get; init; }

    /// <summary><c>closed</c> or <c>open</c>.</summary>
    public required string FailureMode { get; init; }

    /// <summary>
    /// <c>pending</c>, <c>available</c>, <c>degraded</c>, <c>paused</c>, <c>draining</c>, <c>unhealthy</c>, or <c>removing</c> while it is
    /// taken out of service.
    /// </summary>
    public required string State { get; init; }

    /// <summary>What an operator should know of it, each with what to do.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Bytes of bodies that are held for it.</summary>
    public required long HeldBodyBytes { get; init; }

    /// <summary>Most bytes that may be.</summary>
    public required long HeldBodyLimit { get; init; }

    /// <summary>The name of the configuration that it has accepted; absent for the one that the daemon started with.</summary>
    public string? ConfigVersion { get; init; }

    public required IReadOnlyList<VersionDocument> Versions { get; init; }
}

/// <summary>A version of an agent: its pool.</summary>
internal sealed record VersionDocument
{
    public required string Name { get; init; }

    /// <summary>The circuit breaker: <c>closed</c>, <c>half-open</c> or <c>open</c>.</summary>
    public required string Breaker { get; init; }

    /// <summary>How connections are chosen.</summary>
    public required string Strategy { get; init; }

    public required IReadOnlyList<string> Endpoints { get; init; }

    /// <summary>What keeps endpoints from being connected to, as of the last attempt.</summary>
    public required IReadOnlyList<EndpointProblemDocument> Problems { get; init; }

    /// <summary>Exchanges that it takes part in.</summary>
    public required int OpenExchanges { get; init; }

    /// <summary>Calls that hold one of its slots.</summary>
    public required int Running { get; init; }

    /// <summary>Calls that may hold one now; without a number of the operator's they follow the agent.</summary>
    public required int Limit { get; init; }

    /// <summary>
    /// Why it is there: <c>starting</c>, <c>fixed</c>, <c>not-reached</c>, <c>growing</c>, <c>ceiling</c>, <c>queueing</c> or
    /// <c>looking</c>.
    /// </summary>
    public required string LimitReason { get; init; }

    /// <summary>How long a call takes the agent now, in milliseconds; 0 before the first.</summary>
    public required double CallMs { get; init; }

    /// <summary>Calls refused because they could not have been answered in time, since the start.</summary>
    public required long Shed { get; init; }

    /// <summary>Calls that wait for a slot or a connection.</summary>
    public required int Waiting { get; init; }

    /// <summary>Most calls that may wait.</summary>
    public required int WaitingLimit { get; init; }

    /// <summary>What became of its calls, also on connections that have ended.</summary>
    public required CallsDocument Calls { get; init; }

    /// <summary>How long the answered calls of the last minutes took, on connections that are open.</summary>
    public required LatencyDocument Latency { get; init; }

    public required IReadOnlyList<ConnectionDocument> Connections { get; init; }
}

/// <summary>Why an endpoint has no new connection.</summary>
/// <param name="Endpoint">Where.</param>
/// <param name="Reason">Why the last attempt failed.</param>
/// <param name="Incompatible">Whether the agent there speaks a dialect that is not spoken; it is dialled rarely then.</param>
internal sealed record EndpointProblemDocument(string Endpoint, string Reason, bool Incompatible);

/// <summary>Counts of calls by how they ended, since the start.</summary>
/// <param name="Answered">The agent answered.</param>
/// <param name="Failed">Its answer was none, or its connection ended.</param>
/// <param name="TimedOut">It did not answer in time.</param>
/// <param name="Cancelled">The answer was no longer wanted.</param>
internal sealed record CallsDocument(long Answered, long Failed, long TimedOut, long Cancelled);

/// <summary>Percentiles in milliseconds, at most 12.5 % above the truth; 0 when no call was answered.</summary>
/// <param name="Count">Calls they are made of: those of the last one to two minutes.</param>
/// <param name="P50Ms">Half of them took at most this long.</param>
/// <param name="P90Ms">Nine of ten.</param>
/// <param name="P99Ms">Ninety-nine of a hundred.</param>
internal sealed record LatencyDocument(long Count, double P50Ms, double P90Ms, double P99Ms);

/// <summary>A connection to an agent.</summary>
internal sealed record ConnectionDocument
{
    /// <summary>Its name in logs.</summary>
    public required string Id { get; init; }

    /// <summary>
    /// <c>open</c>, or the first that applies of <c>ending</c>, <c>retiring</c>, <c>ejected</c> (errors in a row), <c>draining</c>,
    /// <c>unhealthy</c>,
    /// <c>paused</c>, <c>no-capacity</c>, <c>degraded</c>.
    /// </summary>
    public required string State { get; init; }

    /// <summary>Where it leads.</summary>
    public required string Endpoint { get; init; }

    /// <summary>The dialect of the protocol.</summary>
    public required string Dialect { get; init; }

    /// <summary>The encoding agreed on.</summary>
    public required string Encoding { get; init; }

    /// <summary>What the agent calls itself.</summary>
    public required string AgentName { get; init; }

    /// <summary>The version it says that it has.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>Who receives: <c>thread</c>, one of its own, or <c>shared</c>, what all connections beyond the first share.</summary>
    public required string Reader { get; init; }

    /// <summary>When it was opened.</summary>
    public required DateTimeOffset OpenedAt { get; init; }

    /// <summary>Seconds since the agent's last bytes.</summary>
    public required double SilentSeconds { get; init; }

    /// <summary>Slots taken: calls that wait, and answers owed.</summary>
    public required int InFlight { get; init; }

    /// <summary>Answers owed for calls that ended without one.</summary>
    public required int Owed { get; init; }

    /// <summary>Most slots.</summary>
    public required int Limit { get; init; }

    /// <summary>Answers that came too late.</summary>
    public required long LateAnswers { get; init; }

    /// <summary>Errors since the last success.</summary>
    public required int Errors { get; init; }

    /// <summary>
    /// The health that the agent last reported: <c>unknown</c>, <c>healthy</c>, <c>degraded</c>, <c>draining</c> or <c>unhealthy</c>.
    /// </summary>
    public required string Health { get; init; }

    /// <summary>Whether the agent asks to be sent nothing on it.</summary>
    public required bool Paused { get; init; }

    /// <summary>Exchanges whose bodies the agent asks to hold.</summary>
    public required int HeldExchanges { get; init; }

    /// <summary>What became of its calls.</summary>
    public required CallsDocument Calls { get; init; }

    /// <summary>How long its answered calls of the last minutes took.</summary>
    public required LatencyDocument Latency { get; init; }
}
