using System.Text.Json;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Daemon.Connections;

/// <summary>What a connection must know of its agent.</summary>
internal sealed record ConnectionSettings
{
    /// <summary>The agent's id as the operator named it.</summary>
    public required string AgentId { get; init; }

    /// <summary>Most calls outstanding on one connection; the agent's own limits make it less.</summary>
    public required int MaxInFlight { get; init; }

    /// <summary>How the agent's answers find their calls. In order means one call at a time, and neither cancels nor pings (spec §11.3).</summary>
    public AnswerMatching Matching { get; init; } = AnswerMatching.ById;

    /// <summary>Connect and handshake together; what is changed counts from the next dial on.</summary>
    public required TimeSpan ConnectTimeout { get; set; }

    /// <summary>Encodings offered, best first.</summary>
    public required IReadOnlyList<string> Encodings { get; init; }

    /// <summary>Whether bodies go as raw bytes to an agent that takes them so (spec §4.4); when not, as base64 like to any other.</summary>
    public bool UsesRawBodies { get; init; } = true;

    /// <summary>The agent's configuration as it is now, pushed on each connection before any event; null for none.</summary>
    public JsonElement? Configuration
    {
        get => Configured.Current.Value;
        init => Configured = new AgentConfiguration(value);
    }

    /// <summary>Where the agent's configuration is kept: it may be replaced while the daemon runs.</summary>
    public AgentConfiguration Configured { get; init; } = new();

    /// <summary>This daemon's version, told in the handshake.</summary>
    public required string ProxyVersion { get; init; }

    /// <summary>Takes what the agent says of itself; null for nobody.</summary>
    public IReportSink? Reports { get; init; }

    /// <summary>Where the time to encode events is measured, and the agent's flow control counted; null for nowhere.</summary>
    public AgentMetrics? Metrics { get; init; }
}
