using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections;

/// <summary>Opens connections over a Unix socket.</summary>
internal sealed class UnixSocketDialer(string path, ConnectionSettings settings, TimeProvider time, ILogger logger) : IAgentDialer
{
    private static long _lastId;

    public string Endpoint => path;

    public IDisposable? Watch(Action appeared) => SocketFileWatch.TryStart(path, appeared);

    public async Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        FramedAgentConnection? connection = null;
        try
        {
            await ConnectAsync(socket, cancellation);
            connection = FramedAgentConnection.Over(
                socket, $"{settings.AgentId}-{Interlocked.Increment(ref _lastId)}", settings, sink, time, logger);
            await connection.OpenAsync(settings.ConnectTimeout - time.GetElapsedTime(start), cancellation);
            await ConfigurationPush.SendAsync(connection, settings, time, cancellation);
            return connection;
        }
        catch (Exception e)
        {
            // Whatever it was: the socket must not stay, and the caller must learn of it in the one way it knows.
            if (connection is null)
            {
                socket.Dispose();
            }
            else
            {
                await connection.DisposeAsync();
            }

            cancellation.ThrowIfCancellationRequested();
            throw new AgentUnreachableException($"agent {settings.AgentId} cannot be reached at {path}: {e.Message}", e);
        }
    }

    private async Task ConnectAsync(Socket socket, CancellationToken cancellation)
    {
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).AsTask()
                .WaitAsync(settings.ConnectTimeout, time, cancellation);
        }
        catch (SocketException e)
        {
            throw new IOException(UnixSocketErrors.Describe(e), e);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"the connection was not accepted within {settings.ConnectTimeout}", e);
        }
    }
}

/// <summary>Tells when a socket's file appears, so that whoever waits for an agent need not wait out a pause.</summary>
internal static class SocketFileWatch
{
    /// <summary>
    /// Begins to watch; null where that cannot be done (no such folder, or the kernel's limit of watches), which costs nothing but time.
    /// </summary>
    /// <param name="path">The socket's path.</param>
    /// <param name="appeared">Called on a thread of its own when a file of that name was made, or another one was renamed to it.</param>
    public static IDisposable? TryStart(string path, Action appeared)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            var full = Path.GetFullPath(path);
            watcher = new FileSystemWatcher(Path.GetDirectoryName(full)!, Path.GetFileName(full)) { NotifyFilter = NotifyFilters.FileName };
            watcher.Created += (_, _) => appeared();
            watcher.Renamed += (_, renamed) =>
            {
                if (renamed.FullPath == full)
                {
                    appeared();
                }
            };
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            watcher?.Dispose();
            return null;
        }
    }
}
