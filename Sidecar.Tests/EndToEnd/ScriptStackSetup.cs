using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>How a <see cref="ScriptStack"/> differs from the plain one.</summary>
internal sealed record ScriptStackSetup
{
    /// <summary>Further keys of the daemon's <c>--agent</c>.</summary>
    public string AgentKeys { get; init; } = "";

    /// <summary>What a call to the agent may take.</summary>
    public string AgentTimeout { get; init; } = "40s";

    /// <summary>Without it, the agent is configured and absent.</summary>
    public bool HasAgent { get; init; } = true;

    /// <summary>Plays the agent in this process; null for a demo agent of its own.</summary>
    public LambdaAgent? Agent { get; init; }

    /// <summary>Whether the script lets pass what it cannot ask about.</summary>
    public bool FailsOpen { get; init; }

    /// <summary>Whether the script waits for the daemon for a minute instead of half a second: a slow machine is no failure.</summary>
    public bool IsPatient { get; init; } = true;

    /// <summary>Further lines of the http level.</summary>
    public string Http { get; init; } = "";
}
