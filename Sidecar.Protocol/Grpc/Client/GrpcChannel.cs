using System.IO.Pipelines;
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

    /// <summary>
    /// Starts a call as a pipe of bytes, for those who frame their messages themselves. Limits of message lengths are theirs too.
    /// </summary>
    /// <param name="path">The method, as <c>/package.Service/Method</c>.</param>
    /// <param name="cancellation">Ends the wait for the connection; later it has no effect.</param>
    /// <returns>The call, which the caller disposes; its headers are sent.</returns>
    /// <exception cref="GrpcException">There is no connection to be had, and why.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> fired.</exception>
    public Task<GrpcStreamCall> OpenAsync(string path, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(path);
        var life = new CallLifetime(timeout: null, _options.Time, CancellationToken.None);
        return GrpcStreamCall.OpenAsync(_invoker, Request(path, timeout: null, new CallContent(life.Token)), life, cancellation);
    }

    /// <summary>Asks once and waits for the one answer.</summary>
    /// <param name="path">The method, as <c>/package.Service/Method</c>.</param>
    /// <param name="request">The question.</param>
    /// <param name="parser">The parser of the answer.</param>
    /// <param name="timeout">How long the call may take in all; the server is told. Null for as long as it wants.</param>
    /// <param name="cancellation">Cancels the call; its status is <see cref="GrpcStatusCode.Cancelled"/> then.</param>
    /// <returns>The answer or why there is none; never throws for what a peer or the network does.</returns>
    public async ValueTask<GrpcReply<TResponse>> AskAsync<TResponse>(
        string path, IMessage request, MessageParser<TResponse> parser, TimeSpan? timeout, CancellationToken cancellation)
        where TResponse : class, IMessage<TResponse>
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(parser);
        var life = new CallLifetime(timeout, _options.Time, cancellation);
        try
        {
            var question = new ArrayBufferWriter<byte>();
            GrpcMessageWriter.Write(question, request, _options.MaxSendLength);
            using var asked = Request(path, timeout, new ReadOnlyMemoryContent(question.WrittenMemory));
            using var response = await _invoker.SendAsync(asked, life.Token).ConfigureAwait(false);
            return await ReadAnswerAsync(path, response, parser, life.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whatever breaks below is how the call ended.
            return new(Failure(e, life), null);
        }
        finally
        {
            life.End();
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

    private static GrpcStatus Failure(Exception e, CallLifetime life) => e switch
    {
        GrpcException refusal => refusal.Status,
        _ when life.IsDeadlineExceeded => new GrpcStatus(GrpcStatusCode.DeadlineExceeded, "the time for this call is up"),
        _ when life.Token.IsCancellationRequested => new GrpcStatus(GrpcStatusCode.Cancelled, "the call was cancelled"),
        _ => GrpcFailures.From(e),
    };

    private static GrpcReply<TResponse> End<TResponse>(string path, GrpcStatus status, TResponse? answer)
        where TResponse : class => (status.IsOk, answer) switch
        {
            (false, _) => new(status, null),
            (true, null) => new(new GrpcStatus(GrpcStatusCode.Internal, $"{path} ended with OK but without an answer"), null),
            _ => new(status, answer),
        };

    private async Task<GrpcReply<TResponse>> ReadAnswerAsync<TResponse>(
        string path, HttpResponseMessage response, MessageParser<TResponse> parser, CancellationToken cancellation)
        where TResponse : class, IMessage<TResponse>
    {
        if (GrpcResponses.EndInHeaders(response) is { } end)
        {
            return End<TResponse>(path, end, null);
        }

        var input = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false));
        var reader = new GrpcMessageReader(input, _options.MaxReceiveLength, GrpcResponses.Encoding(response));
        var answer = await reader.ReadAsync(parser, cancellation).ConfigureAwait(false);
        if (answer is not null && await reader.ReadAsync(parser, cancellation).ConfigureAwait(false) is not null)
        {
            return new(new GrpcStatus(GrpcStatusCode.Internal, $"{path} answered more than once"), null);
        }

        return End(path, GrpcResponses.EndInTrailers(response), answer);
    }

    private HttpRequestMessage Request(string path, TimeSpan? timeout, HttpContent content)
    {
        var request = new HttpRequestMessage(
            HttpMethod.Post, new Uri($"{(_options.Tls is null ? "http" : "https")}://{_options.Authority}{path}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        content.Headers.ContentType = ContentType;
        request.Headers.TE.ParseAdd("trailers");
        if (timeout is { } limit)
        {
            request.Headers.Add(GrpcHeaderNames.Timeout, GrpcTimeout.Format(limit));
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

/// <summary>The end of a call that asks once and is answered once.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Message">The answer; there if and only if the status is OK.</param>
public readonly record struct GrpcReply<T>(GrpcStatus Status, T? Message)
    where T : class;
