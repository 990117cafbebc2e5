using System.Net.Sockets;

namespace Sidecar.Protocol.Transport;

/// <summary>Words for what the kernel says when a Unix socket cannot be connected to: its own are about network addresses.</summary>
internal static class UnixSocketErrors
{
    /// <summary>What is wrong, for people.</summary>
    public static string Describe(SocketException error) => error.SocketErrorCode switch
    {
        SocketError.AddressNotAvailable => "there is no such socket",
        SocketError.ConnectionRefused => "nobody listens there",
        _ => error.Message,
    };
}
