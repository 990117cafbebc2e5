using Microsoft.AspNetCore.Connections;

namespace Sidecar.Daemon.Connections;

/// <summary>What carries the bytes of a connection to an agent, whichever side opened it.</summary>
internal static class SocketTransport
{
    // From our pipe to the socket: no more than a system call, unless the agent does not read.
    private static readonly TimeSpan LongestClose = TimeSpan.FromMilliseconds(200);

    /// <summary>Closes it. What was written may still go out, but to an agent that does not read that would keep the socket for ever.</summary>
    public static async ValueTask CloseAsync(ConnectionContext context, TimeProvider time)
    {
        var closing = context.DisposeAsync().AsTask();
        await closing.WaitAsync(LongestClose, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Abort();
        await closing.ConfigureAwait(false);
    }
}
