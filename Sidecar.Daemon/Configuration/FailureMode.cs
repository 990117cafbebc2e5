namespace Sidecar.Daemon.Configuration;

/// <summary>What happens to an exchange that an agent could not inspect.</summary>
internal enum FailureMode
{
    /// <summary>It is refused. The default: passing uninspected is the operator's decision.</summary>
    Closed,

    /// <summary>It passes, counted and visible.</summary>
    Open,
}
