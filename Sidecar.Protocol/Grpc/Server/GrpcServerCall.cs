using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Protocol.Grpc.Server;

/// <summary>One gRPC call on the side that answers it: a request of Kestrel's HTTP/2.</summary>
/// <remarks>
/// One read at a time; any number of threads may write, each message is sent whole. Reads and writes do not wait for each other. When its
/// handler returns, the call ends: writes that wait are cancelled, later ones have no effect. No read may be under way then.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to free.")]
public sealed class GrpcServerCall
{
    private readonly GrpcServerOptions _options;
    private readonly IHttpRequestFeature _request;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpRequestLifetimeFeature _lifetime;
    private readonly IFeatureCollection _features;
    private readonly IHttpResponseBodyFeature _body;
    private readonly GrpcMessageReader _input;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly CallLifetime _life;
    private GrpcStatus _status = GrpcStatus.Ok;
    private bool _ended;

    internal GrpcServerCall(IFeatureCollection features, TimeSpan? timeout, GrpcServerOptions options)
    {
        _options = options;
        _features = features;
        _request = features.GetRequiredFeature<IHttpRequestFeature>();
        _response = features.GetRequiredFeature<IHttpResponseFeature>();
        _lifetime = features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        _body = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        _input = new GrpcMessageReader(
            features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader,
            options.MaxReceiveLength,
            _request.Headers[GrpcHeaderNames.Encoding],
            options.ReceiveMemory);
        Timeout = timeout;
        _life = new CallLifetime(timeout, options.Time, _lifetime.RequestAborted);
    }

    /// <summary>The method, as <c>/package.Service/Method</c>.</summary>
    public string Path => _request.RawTarget;

    /// <summary>What the caller sent before its first message: metadata.</summary>
    public IHeaderDictionary RequestHeaders => _request.Headers;

    /// <summary>What is sent before our first message; changes after that fail.</summary>
    public IHeaderDictionary ResponseHeaders => _response.Headers;

    /// <summary>How long the caller waits, counted from the start of the call (<c>grpc-timeout</c>); null if it did not say.</summary>
    public TimeSpan? Timeout { get; }

    /// <summary>Fires when the call is over: the caller reset it or its connection died, its time is up, or its handler returned.</summary>
    public CancellationToken Cancellation => _life.Token;

    /// <summary>Whether the caller's time is up.</summary>
    public bool IsDeadlineExceeded => _life.IsDeadlineExceeded;

    /// <summary>
    /// The bytes of the call, for those who frame their messages themselves; instead of reading and writing messages, not besides. The writing
    /// side must not be completed: the status comes after it.
    /// </summary>
    public IDuplexPipe Pipe => new BytePipe(_features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader, _body.Writer);

    /// <summary>Sends the response headers at once, without waiting for a first message. Without effect when they were sent.</summary>
    /// <exception cref="OperationCanceledException">The call is over.</exception>
    public async ValueTask StartAsync()
    {
        await _writing.WaitAsync(Cancellation).ConfigureAwait(false);
        try
        {
            await _body.Writer.FlushAsync(Cancellation).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Waits for the caller's next message.</summary>
    /// <param name="parser">The parser of its type.</param>
    /// <param name="cancellation">Ends only this wait, besides <see cref="Cancellation"/>; the call goes on.</param>
    /// <returns>The message; null when the caller has sent its last.</returns>
    /// <exception cref="GrpcException">What came is no message; left to the dispatcher, it ends the call with its status.</exception>
    /// <exception cref="OperationCanceledException">The call is over, or <paramref name="cancellation"/> fired.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        // Kestrel uses its streams again: after the end, the pipe is another call's.
        Cancellation.ThrowIfCancellationRequested();
        using var both = _life.Link(cancellation);
        try
        {
            return await _input.ReadAsync(parser, both.Token).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            // Kestrel tells the reader before it tells its own token.
            _life.End();
            throw new OperationCanceledException("the caller ended the call, or its connection died", e, Cancellation);
        }
    }

    /// <summary>Waits for the caller's next message, where callers often end their calls by a reset: that is a result here and no exception.</summary>
    /// <param name="parser">The parser of its type.</param>
    /// <param name="cancellation">Ends only this wait, besides <see cref="Cancellation"/>; the call goes on.</param>
    /// <exception cref="GrpcException">What came is no message.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<GrpcRead<T>> TryReadAsync<T>(MessageParser<T> parser, CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        // Kestrel uses its streams again: after the end, the pipe is another call's.
        if (Cancellation.IsCancellationRequested)
        {
            return new GrpcRead<T>(null, IsGone: true);
        }

        using var both = _life.Link(cancellation);
        var read = await _input.TryReadAsync(parser, both.Token).ConfigureAwait(false);
        if (read.IsGone && !cancellation.IsCancellationRequested)
        {
            // Kestrel tells the reader before it tells its own token.
            _life.End();
        }

        return read;
    }

    /// <summary>Waits for the only message of a unary call and for the caller's end of it; an answer before that end would have to reset the call.</summary>
    /// <param name="parser">The parser of its type.</param>
    /// <param name="limit">How long to wait where the caller does not say how long it does.</param>
    /// <returns>The message; null when the caller has ended the call without one.</returns>
    /// <exception cref="GrpcException">
    /// What came is no message, or more than one: left to the dispatcher, it ends the call with its status. Or the limit is over:
    /// <see cref="GrpcStatusCode.DeadlineExceeded"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">The call is over.</exception>
    public async ValueTask<T?> ReadOnlyAsync<T>(MessageParser<T> parser, TimeSpan limit)
        where T : class, IMessage<T>
    {
        using var timer = Timeout is null ? new CancellationTokenSource(limit, _options.Time) : null;
        using var both = _life.Link(timer?.Token ?? CancellationToken.None);
        try
        {
            var message = await ReadAsync(parser, both.Token).ConfigureAwait(false);
            if (message is not null)
            {
                await _input.ReadEndAsync(both.Token).ConfigureAwait(false);
            }

            return message;
        }
        catch (IOException e)
        {
            _life.End();
            throw new OperationCanceledException("the caller ended the call, or its connection died", e, Cancellation);
        }
        catch (OperationCanceledException e) when (timer is { IsCancellationRequested: true } && !Cancellation.IsCancellationRequested)
        {
            throw new GrpcException(GrpcStatusCode.DeadlineExceeded, $"the message and the end of the call did not come within {limit}, the limit where no grpc-timeout is sent", e);
        }
    }

    /// <summary>The caller's messages, one after the other, until it has sent its last; see <see cref="ReadAsync"/>.</summary>
    public async IAsyncEnumerable<T> ReadAllAsync<T>(MessageParser<T> parser, [EnumeratorCancellation] CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        while (await ReadAsync(parser, cancellation).ConfigureAwait(false) is { } message)
        {
            yield return message;
        }
    }

    /// <summary>Sends a message, and waits while the caller takes none.</summary>
    /// <param name="message">Must not change meanwhile.</param>
    /// <param name="cancellation">
    /// Ends the wait, besides <see cref="Cancellation"/>. The message may be sent all the same if its turn had come.
    /// </param>
    /// <returns>False when the call is over, so that the message reaches nobody.</returns>
    /// <exception cref="GrpcException">It is longer than <see cref="GrpcServerOptions.MaxSendLength"/>; nothing of it was sent.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> fired, or the call ended meanwhile.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> WriteAsync(IMessage message, CancellationToken cancellation)
    {
        using var both = _life.Link(cancellation);
        await _writing.WaitAsync(both.Token).ConfigureAwait(false);
        try
        {
            if (_ended)
            {
                return false;
            }

            if (!_response.HasStarted)
            {
                // Once bytes lie in the buffer, the status may only come in trailers.
                await _body.StartAsync(both.Token).ConfigureAwait(false);
            }

            Serialize(message);
            return !(await _body.Writer.FlushAsync(both.Token).ConfigureAwait(false)).IsCompleted;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Has the call end with a status other than OK when its handler returns. The last one counts.</summary>
    public void Fail(GrpcStatusCode code, string message) => _status = new GrpcStatus(code, message);

    /// <summary>Resets the call: nothing more is sent, not even a status.</summary>
    public void Abort() => _lifetime.Abort();

    /// <summary>Ends the call with what its handler said.</summary>
    internal Task EndAsync() => EndAsync(_status);

    /// <summary>Ends the call: in trailers, or in the headers if none were sent. Without effect when the caller is gone.</summary>
    internal async Task EndAsync(GrpcStatus status)
    {
        // First: a writer that waits for a caller who takes nothing would hold the end up for ever.
        _life.End();
        _input.Release();
        await _writing.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        _ended = true;
        _writing.Release();
        if (!_lifetime.RequestAborted.IsCancellationRequested)
        {
            GrpcResponse.SetStatus(_features, status);
        }
    }

    private void Serialize(IMessage message)
    {
        try
        {
            GrpcMessageWriter.Write(_body.Writer, message, _options.MaxSendLength);
        }
        catch (Exception e) when (e is not GrpcException)
        {
            // Half a message may lie in the buffer; nothing after it could be understood.
            Abort();
            throw;
        }
    }

    private sealed record BytePipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
