using System.Net.Sockets;

namespace Sidecar.Protocol.Agents;

/// <summary>The agent's listening socket: its file appears with the right mode, and only where nobody else listens.</summary>
internal static class AgentSocket
{
    /// <summary>Binds and sets the mode. A stale socket file is replaced; a live listener or any other file is left alone.</summary>
    /// <exception cref="IOException">The path is taken.</exception>
    public static Socket Bind(string path, UnixFileMode mode)
    {
        RemoveStale(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, mode);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void RemoveStale(string path)
    {
        if (!Path.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path);
            return;
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot listen on {path}: something that is no stale socket is there ({e.SocketErrorCode}); remove it or choose another path", e);
        }

        throw new IOException($"cannot listen on {path}: another process listens there; stop it or choose another path");
    }

    // A socket has no size and is neither a directory nor a link; connecting was refused, which only sockets do.
    private static bool IsSocket(string path) =>
        !File.GetAttributes(path).HasFlag(FileAttributes.Directory) && new FileInfo(path).Length == 0;
}
