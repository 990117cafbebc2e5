using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

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
        _pipes = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), logger);
    }

    public string Endpoint => _path;

    public async Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation)
    {
        var start = _time.GetTimestamp();
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        FramedAgentConnection? connection = null;
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path), cancellation).AsTask()
                .WaitAsync(_settings.ConnectTimeout, _time, cancellation).ConfigureAwait(false);
            var id = $"{_settings.AgentId}-{Interlocked.Increment(ref _lastId)}";
            var context = _pipes.Create(socket);
            connection = new FramedAgentConnection(id, context.Transport, _settings, sink, _time, _logger);
            _ = DisposeAfterAsync(connection, context);
            await connection.OpenAsync(_settings.ConnectTimeout - _time.GetElapsedTime(start), cancellation).ConfigureAwait(false);
            await PushConfigurationAsync(connection).ConfigureAwait(false);
            return connection;
        }
        catch (Exception e) when (e is SocketException or ProtocolException or TimeoutException or OperationCanceledException)
        {
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

    // Agents built on the reference only look at Configure, never at the handshake's value (spec §3.6).
    private async Task PushConfigurationAsync(FramedAgentConnection connection)
    {
        if (_settings.Configuration is not { } configuration)
        {
            return;
        }

        var deadline = _time.GetTimestamp() + (long)(_settings.ConnectTimeout.TotalSeconds * _time.TimestampFrequency);
        var result = await connection.CallAsync(new ConfigureEvent { Config = configuration }, deadline).ConfigureAwait(false);
        if (result.Response?.Decision is not AllowDecision)
        {
            var reason = (result.Response?.Decision as BlockDecision)?.Body ?? result.Detail ?? "no reason given";
            throw new ProtocolException($"the agent did not accept its configuration: {reason}");
        }
    }

    private static async Task DisposeAfterAsync(FramedAgentConnection connection, Microsoft.AspNetCore.Connections.ConnectionContext context)
    {
        await connection.Ended.ConfigureAwait(false);
        await context.DisposeAsync().ConfigureAwait(false);
    }
}
