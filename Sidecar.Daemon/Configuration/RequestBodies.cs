namespace Sidecar.Daemon.Configuration;

/// <summary>What the configuration of a proxy's filter does with the bodies of requests.</summary>
internal enum RequestBodies
{
    /// <summary>It keeps them, and gives no sign of them beyond what headers and method tell.</summary>
    Kept,

    /// <summary>It hands over their first bytes, so that each is known of; agents are shown none.</summary>
    Signed,

    /// <summary>It hands them over for agents to see.</summary>
    Shown,
}

/// <summary>The words for them, of the keys that say so.</summary>
internal static class RequestBodiesWords
{
    /// <summary>Every word with what it means.</summary>
    public static (string Word, RequestBodies Value)[] All { get; } =
        [("no", RequestBodies.Kept), ("sign", RequestBodies.Signed), ("yes", RequestBodies.Shown)];
}
