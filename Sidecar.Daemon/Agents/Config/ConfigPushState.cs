namespace Sidecar.Daemon.Agents.Config;

/// <summary>How far a configuration push is (spec §9.9). Names are label values and field values.</summary>
internal enum ConfigPushState
{
    /// <summary>Nothing was sent yet.</summary>
    Pending,

    /// <summary>Sent; no connection, or not every one, has answered.</summary>
    Sent,

    /// <summary>Every connection has accepted it.</summary>
    Acknowledged,

    /// <summary>The agent refused it, or it cannot be pushed at all.</summary>
    Failed,

    /// <summary>No answer, or no connection, in all attempts.</summary>
    Expired,
}
