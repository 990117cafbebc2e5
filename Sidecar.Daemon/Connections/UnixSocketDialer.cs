using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>Opens connections over a Unix socket. Sockets become pipes through the shared framework's transport.</summary>
internal sealed class UnixSocketDialer : IAgentDialer, IDisposable
{
    // From our pipe to the socket: no more than a system call, unless the agent does not read.
    private static readonly TimeSpan LongestClose = TimeSpan.FromMilliseconds(200);

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
            connection = new FramedAgentConnection(id, context.Transport, _settings, sink, _time, _logger, () => CloseAsync(context, _time));
            await connection.OpenAsync(_settings.ConnectTimeout - _time.GetElapsedTime(start), cancellation).ConfigureAwait(false);
            await PushConfigurationAsync(connection, cancellation).ConfigureAwait(false);
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

    // Agents built on the reference only look at Configure, never at the handshake's value (spec §3.6).
    private async Task PushConfigurationAsync(FramedAgentConnection connection, CancellationToken cancellation)
    {
        if (_settings.Configuration is not { } configuration)
        {
            return;
        }

        // It belongs to no exchange but needs an id, because an answer without one is for nobody. No exchange's id looks like this one.
        var message = new ConfigureEvent { Config = configuration, CorrelationId = CorrelationId.Parse("configure") };
        var deadline = _time.GetTimestamp() + (long)(_settings.ConnectTimeout.TotalSeconds * _time.TimestampFrequency);
        CallResult result;
        using (cancellation.UnsafeRegister(static state => ((FramedAgentConnection)state!).Abort("the dial was cancelled"), connection))
        {
            result = await connection.CallAsync(message, deadline).ConfigureAwait(false);
        }

        if (result.Response?.Decision is not AllowDecision)
        {
            var reason = (result.Response?.Decision as BlockDecision)?.Body ?? result.Detail ?? "no reason given";
            throw new ProtocolException($"the agent did not accept its configuration: {reason}");
        }
    }

    // What was written may still go out, but to an agent that does not read that would keep the socket for ever.
    private static async ValueTask CloseAsync(ConnectionContext context, TimeProvider time)
    {
        var closing = context.DisposeAsync().AsTask();
        await closing.WaitAsync(LongestClose, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Abort();
        await closing.ConfigureAwait(false);
    }
}
