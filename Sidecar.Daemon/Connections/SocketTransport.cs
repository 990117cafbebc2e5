using Microsoft.AspNetCore.Connections;

namespace Sidecar.Daemon.Connections;

/// <summary>What carries the bytes of a connection, whichever side opened it.</summary>
internal static class SocketTransport
{
    // From our pipe to the socket: no more than a system call, unless the agent does not read.
    private static readonly TimeSpan LongestClose = TimeSpan.FromMilliseconds(200);

    /// <summary>Closes it. What was written may still go out, but to a peer that does not read that would keep the socket for ever.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="time">The clock.</param>
    /// <param name="limit">How long that may take; null for 200 ms.</param>
    public static async ValueTask CloseAsync(ConnectionContext context, TimeProvider time, TimeSpan? limit = null)
    {
        var closing = context.DisposeAsync().AsTask();
        await closing.WaitAsync(limit ?? LongestClose, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Abort();
        await closing.ConfigureAwait(false);
    }
}
