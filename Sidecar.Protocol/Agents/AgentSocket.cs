using System.Net.Sockets;

namespace Sidecar.Protocol.Agents;

/// <summary>The agent's listening socket: its file appears with the right mode, and only where nobody else listens.</summary>
internal static class AgentSocket
{
    private const int NoSuchDevice = 6;

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
            throw new IOException($"cannot listen on {path}: {e.Message} ({e.SocketErrorCode}); choose a path in an existing directory that this user may write to", e);
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

        // Without blocking: connecting to a live listener whose queue is full would wait.
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // Only a listener has a queue.
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

    // Connecting to a plain file is refused just as connecting to a stale socket is; but only a socket cannot be opened for want of a device.
    // For reading and writing, because opening a named pipe in one direction waits for the other.
    private static bool IsSocket(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete).Dispose();
            return false;
        }
        catch (IOException e) when (e.HResult == NoSuchDevice)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
