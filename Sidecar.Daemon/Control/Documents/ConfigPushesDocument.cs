using System.Text.Json;

namespace Sidecar.Daemon.Control.Documents;

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
