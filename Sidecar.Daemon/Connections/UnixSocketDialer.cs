using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Connections;

/// <summary>Opens connections over a Unix socket. Sockets become pipes through the shared framework's transport.</summary>
internal sealed class UnixSocketDialer : IAgentDialer, IDisposable
{
    private static long _lastId;

    private readonly SocketConnectionContextFactory _pipes;
    private readonly ConnectionSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _path;

    public UnixSocketDialer(string path, ConnectionSettings settings, TimeProvider time, ILogger logger)
    {
        _path = path;
        _settings = settings;
        _time = time;
        _logger = logger;

        // A few busy connections: asking for data twice costs more than the buffer that an idle one holds.
        _pipes = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions { WaitForDataBeforeAllocatingBuffer = false }, logger);
    }

    public string Endpoint => _path;

    public async Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation)
    {
        var start = _time.GetTimestamp();
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        FramedAgentConnection? connection = null;
        try
        {
            await ConnectAsync(socket, cancellation).ConfigureAwait(false);
            var context = _pipes.Create(socket);
            var id = $"{_settings.AgentId}-{Interlocked.Increment(ref _lastId)}";
            connection = new FramedAgentConnection(id, context.Transport, _settings, sink, _time, _logger, () => SocketTransport.CloseAsync(context, _time));
            await connection.OpenAsync(_settings.ConnectTimeout - _time.GetElapsedTime(start), cancellation).ConfigureAwait(false);
            await ConfigurationPush.SendAsync(connection, _settings, _time, cancellation).ConfigureAwait(false);
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
                await connection.DisposeAsync().ConfigureAwait(false);
            }

            cancellation.ThrowIfCancellationRequested();
            throw new AgentUnreachableException($"agent {_settings.AgentId} cannot be reached at {_path}: {e.Message}", e);
        }
    }

    public void Dispose() => _pipes.Dispose();

    private async Task ConnectAsync(Socket socket, CancellationToken cancellation)
    {
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path), cancellation).AsTask()
                .WaitAsync(_settings.ConnectTimeout, _time, cancellation).ConfigureAwait(false);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.ConnectionRefused)
        {
            throw new IOException(e.SocketErrorCode == SocketError.ConnectionRefused ? "nobody listens there" : "there is no such socket", e);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"the connection was not accepted within {_settings.ConnectTimeout}", e);
        }
    }
}
