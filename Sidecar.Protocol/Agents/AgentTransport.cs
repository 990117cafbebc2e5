using Microsoft.AspNetCore.Connections;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Agents;

/// <summary>Serves a connection over what carries its bytes, whichever side opened it.</summary>
internal static class AgentTransport
{
    /// <summary>Runs the connection to its end and closes its transport. Handlers may still be in work. Never throws.</summary>
    public static async Task ServeAsync(AgentConnection connection, ConnectionContext transport, AgentConnectionOptions options)
    {
        await connection.RunAsync().ConfigureAwait(false);
        if (connection.End is not (FrameConnectionEnd.ClosedByPeer or FrameConnectionEnd.ClosedLocally))
        {
            transport.Abort();
        }

        // The transport writes out what it holds before it closes, which a peer that does not read would put off for ever.
        var closing = transport.DisposeAsync().AsTask();
        try
        {
            await closing.WaitAsync(options.Connection.CloseTimeout, options.Time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            transport.Abort();
            await closing.ConfigureAwait(false);
        }
    }
}
