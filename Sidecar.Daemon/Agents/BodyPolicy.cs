using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Agents;

/// <summary>How one agent is shown the bodies of one direction.</summary>
internal sealed record BodyPolicy
{
    /// <summary>Collected, streamed, or both.</summary>
    public BodyMode Mode { get; init; } = BodyMode.Buffer;

    /// <summary>In hybrid mode: bytes collected before the first question.</summary>
    public int Threshold { get; init; } = BodyFormats.HybridThreshold;

    /// <summary>Largest body the agent is shown, in bytes; <see cref="long.MaxValue"/> for no limit. The agent's own limit makes it less.</summary>
    public long MaxBytes { get; init; } = AgentSettings.MaxBody.Default;

    /// <summary>What happens beyond that.</summary>
    public ExcessAction OnExcess { get; init; } = ExcessAction.Block;
}
