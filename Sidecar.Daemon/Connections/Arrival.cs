using System.Net.Sockets;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>An agent's connection that is registered and not yet in its pool. Whoever holds it owns the socket and the slot.</summary>
/// <param name="ConnectionId">The id that the agent was told; random, unique in the process.</param>
/// <param name="Socket">The socket; all bytes up to the registration's answer have been read and written.</param>
/// <param name="Capabilities">What the agent said of itself.</param>
/// <param name="Slot">Its place among the agent's connections.</param>
internal sealed record Arrival(string ConnectionId, Socket Socket, AgentCapabilities Capabilities, RegistrationSlot Slot) : IDisposable
{
    /// <summary>Closes the socket and gives the place back.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        Slot.Dispose();
    }
}
