using System.Net.Sockets;

namespace Sidecar.Protocol.Transport;

/// <summary>Finds out whether somebody listens on a Unix stream socket, by connecting to it and closing at once.</summary>
internal static class UnixSocketProbe
{
    /// <summary>Looks at a path. Never waits: a connect without blocking ends at once, also when the queue is full.</summary>
    /// <exception cref="IOException">The path could not be looked at, or connecting failed in an unforeseen way.</exception>
    public static UnixSocketState Check(string path)
    {
        // Asked first, because connecting to a plain file is refused just as connecting to a stale socket is.
        switch (FileIdentity.Read(path))
        {
            case null:
                return UnixSocketState.Missing;
            case { IsSocket: false }:
                return UnixSocketState.NotASocket;
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return UnixSocketState.Listening;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode switch
            {
                SocketError.WouldBlock or SocketError.InProgress => UnixSocketState.Listening,
                SocketError.ConnectionRefused => UnixSocketState.Stale,
                SocketError.ProtocolType => UnixSocketState.OtherType,
                SocketError.AccessDenied => UnixSocketState.Forbidden,

                // It went away after we looked: a daemon that stops unlinks its file.
                SocketError.AddressNotAvailable => UnixSocketState.Missing,
                _ => throw new IOException($"cannot find out whether somebody listens on {path}: {e.Message}", e),
            };
        }
    }
}

/// <summary>What is found at the path of a stream socket.</summary>
internal enum UnixSocketState
{
    /// <summary>Nothing is there.</summary>
    Missing,

    /// <summary>A socket file nobody listens on, left by a crash.</summary>
    Stale,

    /// <summary>Somebody listens; perhaps with a full queue.</summary>
    Listening,

    /// <summary>Somebody holds it as a datagram or sequential-packet socket.</summary>
    OtherType,

    /// <summary>A file, directory or symbolic link.</summary>
    NotASocket,

    /// <summary>A socket that we may not connect to, so whether somebody listens is unknown.</summary>
    Forbidden,
}

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
