using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Sidecar.Protocol.Transport;

/// <summary>Who is at the other end of a Unix socket, as the kernel noted it when it connected (SO_PEERCRED, unix(7)).</summary>
/// <remarks>It cannot be forged, but ids of another user namespace show as the overflow id, 65534.</remarks>
/// <param name="ProcessId">The process; it may be gone by now, and its number used again.</param>
/// <param name="UserId">Its effective user.</param>
/// <param name="GroupId">Its effective group; supplementary groups are not told.</param>
internal readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId)
{
    private const int SocketLevel = 1;
    private const int PeerCredentialsOption = 17;
    private const int Size = 12;

    /// <summary>Reads them from an accepted socket.</summary>
    /// <exception cref="SocketException">The socket is no Unix socket, or is closed.</exception>
    public static PeerCredentials Read(Socket socket)
    {
        Span<byte> raw = stackalloc byte[Size];
        var length = socket.GetRawSocketOption(SocketLevel, PeerCredentialsOption, raw);
        if (length != Size)
        {
            throw new SocketException(
                (int)SocketError.OperationNotSupported, $"the peer's credentials have {length} bytes, expected {Size}");
        }

        var fields = MemoryMarshal.Cast<byte, uint>(raw);
        return new PeerCredentials((int)fields[0], fields[1], fields[2]);
    }

    /// <summary>Reads them where there are any; null for another kind of socket.</summary>
    public static PeerCredentials? TryRead(Socket socket)
    {
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            return null;
        }

        try
        {
            return Read(socket);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
