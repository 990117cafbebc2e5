using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Grpc.Client;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>The connections of a benchmark, and the workers that share them.</summary>
internal sealed class BenchConnections(BenchOptions options, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly List<IDisposable> _channels = [];
    private readonly List<IAsyncDisposable> _open = [];

    /// <summary>Opens them; the workers are as many as calls are to be in flight.</summary>
    public async Task<IReadOnlyList<ICaller>> OpenAsync(CancellationToken cancellation)
    {
        var frameSize = options.Raw ? FrameSize() : 0;
        var ids = new ExchangeIds();
        var callers = new List<ICaller>();
        for (var i = 0; i < options.Connections; i++)
        {
            var share = (options.Concurrency / options.Connections) + (i < options.Concurrency % options.Connections ? 1 : 0);
            callers.AddRange(
                options.Raw ? await OpenRawAsync(share, frameSize, cancellation)
                : options.Check ? OpenCheck(share)
                : await OpenAgentAsync(share, ids, cancellation));
        }

        return callers;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _open)
        {
            await connection.DisposeAsync();
        }

        foreach (var channel in _channels)
        {
            channel.Dispose();
        }
    }

    private async Task<IEnumerable<ICaller>> OpenAgentAsync(int share, ExchangeIds ids, CancellationToken cancellation)
    {
        var settings = new ConnectionSettings
        {
            AgentId = "bench",
            MaxInFlight = Math.Max(1, options.Concurrency),
            ConnectTimeout = ConnectTimeout,
            Encodings = [options.Encoding],
            ProxyVersion = DaemonVersion.Text,
            UsesRawBodies = !options.Base64,
        };
        var dialer = AgentDialers.Create(options.Connect, settings, options.Tls, time, NullLoggerFactory.Instance);
        var connection = await dialer.DialAsync(NoSink.Instance, cancellation);
        _open.Add(connection);
        if (connection.Encoding != options.Encoding && !options.IsGrpc)
        {
            throw new AgentUnreachableException(
                $"the agent at {options.Connect} does not speak {options.Encoding}", new ProtocolException(connection.Encoding));
        }

        return Enumerable.Range(0, share).Select(_ => new EventCaller(
            connection, BenchEvents.Of(options), BenchEvents.OpeningOf(options), options.Completes, ids, options.Timeout, time));
    }

    private async Task<IEnumerable<ICaller>> OpenRawAsync(int share, int frameSize, CancellationToken cancellation)
    {
        var connection = await RawConnection.OpenAsync(options.Connect.SocketPath!, share, frameSize, cancellation);
        _open.Add(connection);
        return connection.Callers;
    }

    // It connects with the first call.
    private IEnumerable<ICaller> OpenCheck(int share)
    {
        var channel = new GrpcChannel(
            new GrpcChannelOptions
            {
                EndPoint = new UnixDomainSocketEndPoint(options.Connect.SocketPath!),
                ConnectTimeout = ConnectTimeout,
                Time = time,
            });
        _channels.Add(channel);
        var question = CheckCaller.Question(BenchEvents.RequestHeaders(options.Headers));
        return Enumerable.Range(0, share).Select(_ => new CheckCaller(channel, question, options.Timeout));
    }

    // Of the same size as the event would be in the encoding asked for.
    private int FrameSize()
    {
        using var frame = FrameBuffer.Rent(MessageType.RequestHeaders);
        var message = BenchEvents.One(options);
        message.CorrelationId = new ExchangeIds().Next();
        MessageEncodings.ByName(options.Encoding).WriteEvent(frame, message);
        return frame.PayloadLength;
    }
}
