using Microsoft.AspNetCore.Connections;

namespace Sidecar.Daemon.Connections;

/// <summary>What carries the bytes of a connection to an agent, whichever side opened it.</summary>
internal static class SocketTransport
{
    /// <summary>Closes it.</summary>
    public static ValueTask CloseAsync(ConnectionContext context)
    {
        // Abort first: what is still to be written to an agent that does not read would keep the socket for ever.
        context.Abort();
        return context.DisposeAsync();
    }
}
