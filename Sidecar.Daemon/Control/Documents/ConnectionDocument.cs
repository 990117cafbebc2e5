namespace Sidecar.Daemon.Control.Documents;

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
