using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents.Config;

/// <summary>Decides what becomes of an agent's request about its configuration.</summary>
internal interface IConfigUpdateHandler
{
    /// <summary>Accepts the request, or says why not. Called on a read loop: must not block.</summary>
    /// <returns>Null when it is accepted, else the reason why not.</returns>
    string? Handle(AgentState agent, ConfigUpdate update);
}
