using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Protocol.Grpc.Server;

/// <summary>One gRPC call on the side that answers it: a request of Kestrel's HTTP/2.</summary>
/// <remarks>
/// One read and one write at a time; they do not wait for each other. When its handler returns, the call ends: later writes have no effect.
/// Neither a read nor a write may be under way then; a write that is has the call reset.
/// </remarks>
public sealed class GrpcServerCall : IGrpcServerCall
{
    private readonly GrpcServerOptions _options;
    private readonly IHttpRequestFeature _request;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpRequestLifetimeFeature _lifetime;
    private readonly IFeatureCollection _features;
    private readonly IHttpResponseBodyFeature _body;
    private readonly GrpcMessageReader _input;
    private readonly Lock _gate = new();
    private CallLifetime? _life;
    private GrpcStatus _status = GrpcStatus.Ok;
    private volatile bool _hasEnded;
    private bool _isWriting;

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
        if (timeout is not null)
        {
            _ = Life;
        }
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
    /// <remarks>
    /// Who reads all the time learns of that too, and need not ask for a token, which costs each call that ends by a reset a wake-up.
    /// </remarks>
    public CancellationToken Cancellation => Life.Token;

    /// <summary>Whether the caller's time is up.</summary>
    public bool IsDeadlineExceeded => _life is { IsDeadlineExceeded: true };

    /// <summary>Whether the last message that was read was so large that room was asked for it; the next read gives that back.</summary>
    public bool HoldsRoom => _input.HoldsRoom;

    /// <summary>
    /// The bytes of the call, for those who frame their messages themselves; instead of reading and writing messages, not besides. The
    /// writing side must not be completed: the status comes after it.
    /// </summary>
    public IDuplexPipe Pipe => new BytePipe(_features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader, _body.Writer);

    /// <summary>Sends the response headers at once, without waiting for a first message. Without effect when they were sent.</summary>
    /// <exception cref="OperationCanceledException">The call is over.</exception>
    public async ValueTask StartAsync()
    {
        Cancellation.ThrowIfCancellationRequested();
        if (TryEnter())
        {
            try
            {
                await _body.Writer.FlushAsync(Cancellation).ConfigureAwait(false);
            }
            finally
            {
                Leave();
            }
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
        using var both = Life.Link(cancellation);
        try
        {
            return await _input.ReadAsync(parser, both.Token).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw Gone(e);
        }
    }

    /// <summary>
    /// Waits for the caller's next message, where callers often end their calls by a reset: that is a result here and no exception.
    /// </summary>
    /// <param name="parser">The parser of its type.</param>
    /// <returns>What came; gone also when the call is over, or <see cref="EndReads"/> was called.</returns>
    /// <exception cref="GrpcException">What came is no message.</exception>
    public ValueTask<GrpcRead<T>> TryReadAsync<T>(MessageParser<T> parser)
        where T : class, IMessage<T> =>

        // Kestrel uses its streams again: after the end, the pipe is another call's.
        _hasEnded || _life is { Token.IsCancellationRequested: true }
            ? new(new GrpcRead<T>(null, IsGone: true))
            : _input.TryReadAsync(parser, _life?.Token ?? CancellationToken.None);

    /// <inheritdoc/>
    public void EndReads() => _input.EndReads();

    /// <summary>
    /// Waits for the only message of a unary call and for the caller's end of it; an answer before that end would have to reset the call.
    /// </summary>
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
        using var both = Life.Link(timer?.Token ?? CancellationToken.None);
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
            throw Gone(e);
        }
        catch (OperationCanceledException e) when (timer is { IsCancellationRequested: true } && !Cancellation.IsCancellationRequested)
        {
            throw new GrpcException(
                GrpcStatusCode.DeadlineExceeded,
                $"the message and the end of the call did not come within {limit}, the limit where no grpc-timeout is sent",
                e);
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> WriteAsync(IMessage message, CancellationToken cancellation)
    {
        if (!TryEnter())
        {
            return false;
        }

        try
        {
            if (!_response.HasStarted)
            {
                // Once bytes lie in the buffer, the status may only come in trailers.
                await _body.StartAsync(cancellation).ConfigureAwait(false);
            }

            Serialize(message);
            return !(await _body.Writer.FlushAsync(cancellation).ConfigureAwait(false)).IsCompleted;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Has the call end with a status other than OK when its handler returns. The last one counts.</summary>
    public void Fail(GrpcStatusCode code, string message) => _status = new GrpcStatus(code, message);

    /// <inheritdoc/>
    public void Abort() => _lifetime.Abort();

    /// <summary>Ends the call with what its handler said.</summary>
    internal void End() => End(_status);

    /// <summary>Ends the call: in trailers, or in the headers if none were sent. Without effect when the caller is gone.</summary>
    internal void End(GrpcStatus status)
    {
        bool isWriting;
        lock (_gate)
        {
            (isWriting, _hasEnded) = (_isWriting, true);
        }

        _life?.End();
        _input.Release();
        if (isWriting)
        {
            // A writer that waits for a caller who takes nothing. The stream is not used again then, so it can do no harm.
            Abort();
        }
        else if ((!_input.IsGone || IsDeadlineExceeded) && !_lifetime.RequestAborted.IsCancellationRequested)
        {
            GrpcResponse.SetStatus(_features, status);
        }
    }

    // Made for those who want a token or have a deadline.
    private CallLifetime Life
    {
        get
        {
            lock (_gate)
            {
                return _life ??= new CallLifetime(
                    Timeout, _options.Time, _hasEnded ? new CancellationToken(canceled: true) : _lifetime.RequestAborted);
            }
        }
    }

    // False when the call is over.
    private bool TryEnter()
    {
        lock (_gate)
        {
            if (_isWriting)
            {
                throw new InvalidOperationException("two messages are written at once");
            }

            return _isWriting = !_hasEnded;
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            _isWriting = false;
        }
    }

    // Kestrel tells the reader before it tells its own token.
    private OperationCanceledException Gone(IOException error)
    {
        Life.End();
        return new OperationCanceledException("the caller ended the call, or its connection died", error, Cancellation);
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
