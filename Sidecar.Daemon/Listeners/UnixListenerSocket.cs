using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners;

/// <summary>
/// Makes the socket of one listener and owns its file: a connect finds the old listener or the new one, never a socket that is bound but
/// does not listen, and never one with the wrong mode.
/// </summary>
/// <remarks>
/// Order: bind a temporary name, group, mode, listen, probe the path, rename over it. The accept loop calls <c>Listen</c> again; that is
/// allowed and the last call counts, so it has the same backlog. The rename hides the file from .NET,
/// which would otherwise delete on dispose whatever the path names then; so <see cref="Unlink"/> must be called, best before the listener
/// stops accepting: whoever connected until then is still served. Members may be called from any thread.
/// </remarks>
internal sealed class UnixListenerSocket(UnixListenerOptions options, ILogger<UnixListenerSocket> logger) : IDisposable
{
    // Two random names of 32 bits do not collide twice in practice; the bound is for a directory somebody fills with such names.
    private const int BindAttempts = 4;

    private readonly Lock _gate = new();
    private (string Path, FileIdentity Identity)? _file;

    /// <summary>
    /// Makes the bound socket for an endpoint; a Unix socket listens already. A TCP endpoint has no file: see <see cref="LoopbackSocket"/>.
    /// </summary>
    /// <exception cref="ListenerSocketException">The path cannot be used; nothing was changed there.</exception>
    /// <exception cref="InvalidOperationException">This instance already owns a file: it serves one listener.</exception>
    public Socket Bind(EndPoint endPoint)
    {
        if (endPoint is not UnixDomainSocketEndPoint unix)
        {
            return LoopbackSocket.Bind((IPEndPoint)endPoint, options.AllowTakeover, options.Backlog);
        }

        var path = unix.ToString();
        if (UnixSocketPath.Validate(path) is { } problem)
        {
            throw new ListenerSocketException(problem);
        }

        lock (_gate)
        {
            if (_file is { } file)
            {
                throw new InvalidOperationException($"this listener already owns {file.Path}; unlink it before binding {path}");
            }

            var (socket, temporary) = BindTemporary(path);
            try
            {
                _file = Publish(socket, temporary, path);
                return socket;
            }
            catch
            {
                // Deletes the temporary file too: it is the name .NET remembers as bound.
                socket.Dispose();
                throw;
            }
        }
    }

    /// <summary>Removes the socket file if it is still ours, not a successor's. Idempotent; failures are only logged.</summary>
    public void Unlink()
    {
        lock (_gate)
        {
            if (_file is not { } file)
            {
                return;
            }

            _file = null;
            try
            {
                SocketLog.SocketUnlinked(logger, file.Path, OwnedFile.Remove(file.Path, file.Identity));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                SocketLog.SocketNotUnlinked(logger, file.Path, e.Message);
            }
        }
    }

    public void Dispose() => Unlink();

    private static (Socket Socket, string Temporary) BindTemporary(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            var temporary = UnixSocketPath.NewTemporary(path);
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Bind(new UnixDomainSocketEndPoint(temporary));
                return (socket, temporary);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                if (e.SocketErrorCode != SocketError.AddressAlreadyInUse || attempt == BindAttempts)
                {
                    throw new ListenerSocketException(
                        $"cannot make a socket in {Path.GetDirectoryName(path)} for {path}: {e.Message}; "
                        + "the directory must exist and be writable for the daemon's user",
                        e);
                }
            }
        }
    }

    private (string Path, FileIdentity Identity) Publish(Socket socket, string temporary, string path)
    {
        try
        {
            ChangeGroup(temporary, path);
            File.SetUnixFileMode(temporary, options.Mode);
            socket.Listen(options.Backlog);
            var identity = FileIdentity.Read(temporary)
                ?? throw new ListenerSocketException($"somebody removed {temporary} while {path} was made; start again");
            var replaced = RefuseUnlessFree(path);

            // Nothing may come between the probe and the rename: a listener that starts here would be replaced unseen.
            File.Move(temporary, path, overwrite: true);
            SocketLog.SocketListening(logger, path, replaced);
            return (path, identity);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException or SocketException) and not ListenerSocketException)
        {
            throw new ListenerSocketException($"cannot listen on {path}: {e.Message}", e);
        }
    }

    private void ChangeGroup(string temporary, string path)
    {
        if (options.Group is not { } group)
        {
            return;
        }

        var id = UnixGroups.Find(group)
            ?? throw new ListenerSocketException($"the group '{group}' for {path} does not exist; create it or name another");
        if (NativeMethods.ChangeOwner(temporary, NativeMethods.Unchanged, id) != 0)
        {
            throw new ListenerSocketException(
                $"cannot give {path} to the group '{group}' (gid {id}): {Marshal.GetLastPInvokeErrorMessage()}; "
                + "the daemon's user must be a member of it (SupplementaryGroups= in the unit)");
        }
    }

    private UnixSocketState RefuseUnlessFree(string path)
    {
        var state = UnixSocketProbe.Check(path);
        var problem = state switch
        {
            UnixSocketState.Missing or UnixSocketState.Stale => null,
            UnixSocketState.Listening when options.AllowTakeover => null,
            UnixSocketState.Listening => $"another process listens on {path}; stop it or choose another path",
            UnixSocketState.OtherType => $"another process uses {path} as a socket of another type; stop it or choose another path",
            UnixSocketState.Forbidden =>
                $"{path} is a socket that the daemon's user may not connect to, so it may be in use; remove it or choose another path",
            _ => $"{path} exists and is not a socket; it is left alone; remove it or choose another path",
        };
        return problem is null ? state : throw new ListenerSocketException(problem);
    }
}

/// <summary>A listener cannot have its socket. The message names the path, what is wrong and what to do.</summary>
internal sealed class ListenerSocketException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>How the socket file of one listener is made.</summary>
internal sealed record UnixListenerOptions
{
    /// <summary>
    /// Permissions of the file. Connecting needs write permission. Default 0660: the daemon's user and the group it shares with the proxy.
    /// </summary>
    public UnixFileMode Mode { get; init; } =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Group of the file, by name or number. Null: the daemon's, or the directory's if that is setgid.</summary>
    public string? Group { get; init; }

    /// <summary>
    /// Whether a path on which another process listens is taken from it. Default no: two daemons on one path are nearly always a
    /// mistake, and the first would go on without requests, unnoticed.
    /// </summary>
    public bool AllowTakeover { get; init; }

    /// <summary>
    /// Connections that may wait for being accepted. Default 4,096: a proxy's burst after a restart must not be refused. The kernel
    /// lowers it to <c>net.core.somaxconn</c> (4,096 on current kernels).
    /// </summary>
    public int Backlog { get; init; } = 4096;
}

/// <summary>What is logged of socket files. Ids and names are a contract: never renumbered, a retired one stays reserved.</summary>
internal static partial class SocketLog
{
    private const int Base = 9000;

    [LoggerMessage(Base + 1, LogLevel.Information, "Listening on {Path} (found there before: {Found})")]
    internal static partial void SocketListening(ILogger logger, string path, UnixSocketState found);

    [LoggerMessage(Base + 2, LogLevel.Information, "Gave up {Path} (file was still ours and is removed: {Removed})")]
    internal static partial void SocketUnlinked(ILogger logger, string path, bool removed);

    [LoggerMessage(Base + 3, LogLevel.Warning, "Could not remove the socket file {Path}: {Reason}; the next start replaces it")]
    internal static partial void SocketNotUnlinked(ILogger logger, string path, string reason);
}
