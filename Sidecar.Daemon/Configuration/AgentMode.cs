namespace Sidecar.Daemon.Configuration;

/// <summary>How an agent takes part (rule 10).</summary>
internal enum AgentMode
{
    /// <summary>Asked, and its answer is applied.</summary>
    Enforce,

    /// <summary>Asked off the request's path, recorded, never applied.</summary>
    Monitor,

    /// <summary>Not asked.</summary>
    Off,
}

/// <summary>Modes of agents as operators write them.</summary>
internal static class AgentModes
{
    /// <summary>Every word with its mode.</summary>
    public static (string Word, AgentMode Value)[] Words { get; } = [("enforce", AgentMode.Enforce), ("monitor", AgentMode.Monitor), ("off", AgentMode.Off)];
}
