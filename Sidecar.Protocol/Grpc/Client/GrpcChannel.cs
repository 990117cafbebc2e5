using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using Google.Protobuf;

namespace Sidecar.Protocol.Grpc.Client;

/// <summary>One HTTP/2 connection to a gRPC server, over TLS or by prior knowledge, that carries any number of calls.</summary>
/// <remarks>
/// It connects with its first call, and once only: when its connection is gone, every further call fails with
/// <see cref="GrpcStatusCode.Unavailable"/>, and another channel is due. Calls beyond the number of streams that the server allows wait.
/// Thread-safe.
/// </remarks>
public sealed class GrpcChannel : IDisposable
{
    private static readonly MediaTypeHeaderValue ContentType = new(GrpcHeaderNames.ContentType);

    private readonly GrpcChannelOptions _options;
    private readonly HttpMessageInvoker _invoker;
    private readonly Lock _gate = new();
    private Socket? _socket;
    private bool _connected;
    private bool _disposed;

    /// <summary>A channel that is not connected yet.</summary>
    public GrpcChannel(GrpcChannelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellation) => ConnectAsync(cancellation),
            ConnectTimeout = options.ConnectTimeout,
            KeepAlivePingDelay = options.KeepAlivePingDelay,
            KeepAlivePingTimeout = options.KeepAlivePingTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            ActivityHeadersPropagator = null,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            SslOptions = options.Tls ?? new SslClientAuthenticationOptions(),
        });
    }

    /// <summary>Starts a call: its headers are sent at once, and messages may be written before the server answers.</summary>
    /// <typeparam name="TResponse">What the server answers with.</typeparam>
    /// <param name="path">The method, as <c>/package.Service/Method</c>.</param>
    /// <param name="parser">The parser of its answers.</param>
    /// <param name="options">Timeout and metadata; null for none.</param>
    /// <param name="cancellation">Cancels the call, whenever it fires.</param>
    /// <returns>The call, which the caller disposes. Failures to connect are its status.</returns>
    public GrpcClientCall<TResponse> Start<TResponse>(
        string path, MessageParser<TResponse> parser, GrpcCallOptions? options, CancellationToken cancellation)
        where TResponse : class, IMessage<TResponse>
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(parser);
        var life = new CallLifetime(options?.Timeout, _options.Time, cancellation);
        return new GrpcClientCall<TResponse>(_invoker, Request(path, options, life.Token), parser, life, _options);
    }

    /// <summary>Starts a call as a pipe of bytes, for those who frame their messages themselves. Limits of message lengths are theirs too.</summary>
    /// <param name="path">The method, as <c>/package.Service/Method</c>.</param>
    /// <param name="options">Timeout and metadata; null for none.</param>
    /// <param name="cancellation">Ends the wait for the connection; later it has no effect.</param>
    /// <returns>The call, which the caller disposes; its headers are sent.</returns>
    /// <exception cref="GrpcException">There is no connection to be had, and why.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> fired.</exception>
    public Task<GrpcStreamCall> OpenAsync(string path, GrpcCallOptions? options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(path);
        var life = new CallLifetime(options?.Timeout, _options.Time, CancellationToken.None);
        return GrpcStreamCall.OpenAsync(_invoker, Request(path, options, life.Token), life, cancellation);
    }

    /// <summary>Asks once and waits for the one answer.</summary>
    /// <param name="path">The method, as <c>/package.Service/Method</c>.</param>
    /// <param name="request">The question.</param>
    /// <param name="parser">The parser of the answer.</param>
    /// <param name="options">Timeout and metadata; null for none.</param>
    /// <param name="cancellation">Cancels the call; its status is <see cref="GrpcStatusCode.Cancelled"/> then.</param>
    /// <returns>The answer or why there is none; never throws for what a peer or the network does.</returns>
    public async ValueTask<GrpcReply<TResponse>> AskAsync<TResponse>(
        string path, IMessage request, MessageParser<TResponse> parser, GrpcCallOptions? options, CancellationToken cancellation)
        where TResponse : class, IMessage<TResponse>
    {
        var call = Start(path, parser, options, cancellation);
        await using (call.ConfigureAwait(false))
        {
            try
            {
                // When it cannot be written, the reason is in the status.
                await call.WriteAsync(request, CancellationToken.None).ConfigureAwait(false);
                await call.CompleteAsync().ConfigureAwait(false);
            }
            catch (GrpcException e)
            {
                return new(e.Status, null);
            }

            var answer = await call.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            if (answer is not null && await call.ReadAsync(CancellationToken.None).ConfigureAwait(false) is not null)
            {
                return new(new GrpcStatus(GrpcStatusCode.Internal, $"{path} answered more than once"), null);
            }

            var status = call.Status!.Value;
            return (status.IsOk, answer) switch
            {
                (false, _) => new(status, null),
                (true, null) => new(new GrpcStatus(GrpcStatusCode.Internal, $"{path} ended with OK but without an answer"), null),
                _ => new(status, answer),
            };
        }
    }

    /// <summary>Closes the connection; calls that run on it end with <see cref="GrpcStatusCode.Unavailable"/>.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _socket?.Dispose();
        }

        _invoker.Dispose();
    }

    private HttpRequestMessage Request(string path, GrpcCallOptions? options, CancellationToken callOver)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{(_options.Tls is null ? "http" : "https")}://{_options.Authority}{path}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new CallContent(callOver) { Headers = { ContentType = ContentType } },
        };
        request.Headers.TE.ParseAdd("trailers");
        if (options?.Timeout is { } timeout)
        {
            request.Headers.Add(GrpcHeaderNames.Timeout, GrpcTimeout.Format(timeout));
        }

        foreach (var (name, value) in options?.Metadata ?? [])
        {
            request.Headers.Add(name, value);
        }

        return request;
    }

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        var socket = _options.EndPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                _socket = !_connected ? socket : throw new IOException("the channel's connection is gone; make a new channel");
                _connected = true;
            }

            await socket.ConnectAsync(_options.EndPoint, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
