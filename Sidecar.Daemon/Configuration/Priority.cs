namespace Sidecar.Daemon.Configuration;

/// <summary>How much of a busy agent a route gets beside others. The numbers are its parts: while all wait, 16 calls of one to 4 and 1 of the others.</summary>
internal enum Priority
{
    /// <summary>What may wait for all others: probes, copies, what only watches.</summary>
    Background = 1,

    /// <summary>As most.</summary>
    Normal = 4,

    /// <summary>What has to work when little does.</summary>
    Critical = 16,
}
