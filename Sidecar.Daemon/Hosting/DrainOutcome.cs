namespace Sidecar.Daemon.Hosting;

/// <summary>How a rung of the shutdown ended.</summary>
internal enum DrainOutcome
{
    /// <summary>It finished in time.</summary>
    Done,

    /// <summary>Its limit ran out and it was told to abort; it may or may not have obeyed.</summary>
    TimedOut,

    /// <summary>It threw, or it cancelled itself without having been told to.</summary>
    Failed,

    /// <summary>The stop was hurried while it ran, or before.</summary>
    Cut,
}
