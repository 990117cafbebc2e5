namespace Sidecar.Daemon.Configuration;

/// <summary>How an agent is shown a body (spec §1.3, §5.4).</summary>
internal enum BodyMode
{
    /// <summary>The whole body is collected, then asked about; nothing of it passes before the answer.</summary>
    Buffer,

    /// <summary>Each piece is asked about as it comes and passes with its own answer.</summary>
    Stream,

    /// <summary>Collected up to a threshold, asked about at once, streamed from there on.</summary>
    Hybrid,
}

/// <summary>What happens to a body that an agent cannot see whole: too large, cut by the proxy, or without memory to hold it.</summary>
internal enum ExcessAction
{
    /// <summary>The exchange is refused.</summary>
    Block,

    /// <summary>The body passes this agent by, counted as bypassed.</summary>
    Skip,

    /// <summary>The agent judges what fits, the rest passes; counted as partly inspected.</summary>
    Partial,
}
