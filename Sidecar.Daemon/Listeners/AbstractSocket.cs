using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sidecar.Daemon.Listeners;

/// <summary>
/// Listener sockets in the abstract namespace of Linux, which has no files: for proxies in a chroot (proxy integration §1.11).
/// </summary>
internal static class AbstractSocket
{
    // sun_path (unix(7)). HAProxy's abns@ fills all of it with zero bytes, and these count.
    private const int AddressLength = 108;

    /// <summary>The address that HAProxy means by <c>abns@NAME</c>.</summary>
    public static UnixDomainSocketEndPoint EndPoint(string name) =>
        new("\0" + name + new string('\0', AddressLength - 1 - Encoding.UTF8.GetByteCount(name)));

    /// <summary>Makes the bound socket.</summary>
    /// <exception cref="ListenerSocketException">The name is taken.</exception>
    public static Socket Bind(EndPoint endPoint)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endPoint);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new ListenerSocketException(
                $"cannot listen on the abstract name {endPoint}: {e.Message}; stop who has it or choose another name", e);
        }
    }
}
