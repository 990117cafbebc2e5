namespace Sidecar.Daemon.Configuration;

/// <summary>What an operator says about a spop listener besides what all listeners have.</summary>
internal sealed record SpopOptions
{
    /// <summary>Whether HAProxy is configured to ask about responses too.</summary>
    public bool HasResponsePhase { get; init; } = true;

    /// <summary>How header changes are told.</summary>
    public HeaderForm HeaderForm { get; init; }

    /// <summary>HAProxy's <c>option var-prefix</c>.</summary>
    public string VariablePrefix { get; init; } = Defaults.SpopVariablePrefix;

    /// <summary>The largest frame to agree to, in bytes.</summary>
    public int MaxFrameSize { get; init; } = Defaults.SpopMaxFrame;
}
