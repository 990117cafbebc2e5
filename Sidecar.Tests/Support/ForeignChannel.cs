using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Sidecar.Tests.Support;

/// <summary>One HTTP/2 connection of a gRPC client that is not ours, to an address or a Unix socket; without limits of lengths.</summary>
internal sealed class ForeignChannel : IDisposable
{
    private readonly EndPoint _endPoint;
    private readonly GrpcChannel _channel;
    private Socket? _socket;

    public ForeignChannel(EndPoint endPoint)
    {
        _endPoint = endPoint;
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            MaxReceiveMessageSize = null,
            MaxSendMessageSize = null,
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = (_, cancellation) => ConnectAsync(cancellation) },
        });
    }

    /// <summary>Starts a stream.</summary>
    public ForeignCall<TResponse> Start<TResponse>(string path, MessageParser<TResponse> parser, params (string Name, string Value)[] metadata)
        where TResponse : class, IMessage<TResponse>
    {
        var headers = new Metadata();
        foreach (var (name, value) in metadata)
        {
            headers.Add(name, value);
        }

        return new ForeignCall<TResponse>(_channel.CreateCallInvoker(), path, parser, headers);
    }

    /// <summary>Cuts the connection under all its calls.</summary>
    public void Cut() => _socket?.Dispose();

    public void Dispose() => _channel.Dispose();

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        _socket = _endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await _socket.ConnectAsync(_endPoint, cancellation);
        return new NetworkStream(_socket, ownsSocket: true);
    }
}
