using System.Text.Json;

namespace Sidecar.Protocol.Messages;

/// <summary>A configuration object for the agent. Allow accepts it, block refuses it (spec §4.9).</summary>
public sealed record ConfigureEvent : AgentEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.Configure;

    /// <summary>Any JSON value; null is written as JSON null.</summary>
    public JsonElement? Config { get; init; }

    /// <summary>Names this configuration, so that a repeated push can be recognised.</summary>
    public string? ConfigVersion { get; init; }

    /// <summary>Whether this comes at the start of a connection and not as a later push. Carried by gRPC only.</summary>
    public bool IsInitial { get; init; }
}
