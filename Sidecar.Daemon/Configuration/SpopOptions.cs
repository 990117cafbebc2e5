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

/// <summary>How header changes are told to HAProxy.</summary>
internal enum HeaderForm
{
    /// <summary>As packed lists of any number of headers, which the ready Lua actions apply, or HAProxy 3.4 by itself.</summary>
    Lists,

    /// <summary>As one variable for each header that the listener names, for a configuration without Lua.</summary>
    Names,
}
