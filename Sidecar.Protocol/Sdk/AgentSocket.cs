using System.Net.Sockets;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>The agent's listening socket: its file appears with the right mode, and only where nobody else listens.</summary>
internal static class AgentSocket
{
    /// <summary>Binds and sets the mode. A stale socket file is replaced; a live listener or any other file is left alone.</summary>
    /// <exception cref="IOException">The path is taken, or no socket can be made there.</exception>
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
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException(
                $"cannot listen on {path}: {e.Message} ({e.SocketErrorCode}); choose a path in an existing directory that this user " +
                "may write to",
                e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void RemoveStale(string path)
    {
        switch (UnixSocketProbe.Check(path))
        {
            case UnixSocketState.Missing:
                break;
            case UnixSocketState.Stale:
                File.Delete(path);
                break;
            case UnixSocketState.Listening:
                throw new IOException($"cannot listen on {path}: another process listens there; stop it or choose another path");
            case var state:
                throw new IOException(
                    $"cannot listen on {path}: something that is no stale socket is there ({state}); remove it or choose another path");
        }
    }
}
