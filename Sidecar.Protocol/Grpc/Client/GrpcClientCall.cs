using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace Sidecar.Protocol.Grpc.Client;

/// <summary>One call of a <see cref="GrpcChannel"/>, with any number of messages each way.</summary>
/// <remarks>
/// Whatever ends the call is its <see cref="Status"/>, never an exception. One read at a time; any number of threads may write, each message
/// is sent whole. Reads and writes do not wait for each other.
/// </remarks>
public sealed class GrpcClientCall<TResponse> : IAsyncDisposable
    where TResponse : class, IMessage<TResponse>
{
    // Fewer, larger pieces than the 4 KiB of the base library: messages may have megabytes.
    private static readonly StreamPipeReaderOptions InputOptions = new(bufferSize: 16 * 1024, leaveOpen: true);

    private static readonly GrpcStatus Cancelled = new(GrpcStatusCode.Cancelled, "the call was cancelled");

    private readonly HttpMessageInvoker _invoker;
    private readonly HttpRequestMessage _request;
    private readonly CallOutput _output;
    private readonly MessageParser<TResponse> _parser;
    private readonly CallLifetime _life;
    private readonly GrpcChannelOptions _options;
    private readonly Lock _gate = new();
    private readonly Task<GrpcMessageReader?> _started;
    private HttpResponseMessage? _response;
    private PipeReader? _input;
    private GrpcStatus? _status;
    private int _disposed;

    internal GrpcClientCall(
        HttpMessageInvoker invoker, HttpRequestMessage request, MessageParser<TResponse> parser, CallLifetime life, GrpcChannelOptions options)
    {
        _invoker = invoker;
        _request = request;
        _output = new CallOutput((CallContent)request.Content!, life, options.MaxSendLength, End);
        _parser = parser;
        _life = life;
        _options = options;
        using (ExecutionContext.SuppressFlow())
        {
            _started = SendAsync();
        }
    }

    /// <summary>How the call ended; null while it runs.</summary>
    public GrpcStatus? Status
    {
        get
        {
            lock (_gate)
            {
                return _status;
            }
        }
    }

    /// <summary>Waits for the server's response headers, which it may send before its first message.</summary>
    /// <returns>False when the call ended instead.</returns>
    public async Task<bool> WaitForHeadersAsync(CancellationToken cancellation) =>
        await _started.WaitAsync(cancellation).ConfigureAwait(false) is not null;

    /// <summary>Sends a message, and waits while the server takes none.</summary>
    /// <param name="message">Must not change meanwhile.</param>
    /// <param name="cancellation">Ends only this wait. The message is sent all the same if its turn had come.</param>
    /// <returns>False when the call is over; <see cref="ReadAsync"/> and then <see cref="Status"/> tell why.</returns>
    /// <exception cref="GrpcException">It is longer than <see cref="GrpcChannelOptions.MaxSendLength"/>; nothing was sent, the call goes on.</exception>
    /// <exception cref="InvalidOperationException">We said that no message follows.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> fired.</exception>
    public ValueTask<bool> WriteAsync(IMessage message, CancellationToken cancellation) => _output.WriteAsync(message, cancellation);

    /// <summary>Says that no message follows; the server goes on answering. Without effect when it was said, or the call is over.</summary>
    public ValueTask CompleteAsync() => _output.CompleteAsync();

    /// <summary>Waits for the server's next message.</summary>
    /// <param name="cancellation">Ends only this wait; the call goes on, and nothing is lost.</param>
    /// <returns>The message; null when the call has ended: then <see cref="Status"/> says how.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> fired.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<TResponse?> ReadAsync(CancellationToken cancellation)
    {
        var reader = await _started.WaitAsync(cancellation).ConfigureAwait(false);
        if (reader is null || Status is not null)
        {
            return null;
        }

        using var both = _life.Link(cancellation);
        try
        {
            if (await reader.ReadAsync(_parser, both.Token).ConfigureAwait(false) is { } message)
            {
                return message;
            }

            End(GrpcResponses.EndInTrailers(_response!));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested && !_life.Token.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            // Whatever breaks below is how the call ended.
            End(Failure(e));
        }

        return null;
    }

    /// <summary>Gives the call up from any thread: what waits in it returns. The server is told at once, or at the latest when it is disposed.</summary>
    public void Cancel() => _life.End();

    /// <summary>Ends the call; if it was not over, the server sees it cancelled. No read may be under way.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        End(Cancelled);
        await _started.ConfigureAwait(false);
        await _output.CloseAsync().ConfigureAwait(false);
        _input?.Complete();
        _response?.Dispose();
        _request.Dispose();
    }

    // Null when the call ended before messages could come.
    private async Task<GrpcMessageReader?> SendAsync()
    {
        try
        {
            _response = await _invoker.SendAsync(_request, _life.Token).ConfigureAwait(false);
            if (GrpcResponses.EndInHeaders(_response) is { } status)
            {
                End(status);
                return null;
            }

            _input = PipeReader.Create(await _response.Content.ReadAsStreamAsync(_life.Token).ConfigureAwait(false), InputOptions);
            return new GrpcMessageReader(_input, _options.MaxReceiveLength, GrpcResponses.Encoding(_response));
        }
        catch (Exception e)
        {
            // Whatever breaks below is how the call ended.
            End(Failure(e));
            return null;
        }
    }

    private GrpcStatus Failure(Exception e) => e switch
    {
        GrpcException refusal => refusal.Status,
        _ when _life.IsDeadlineExceeded => new GrpcStatus(GrpcStatusCode.DeadlineExceeded, "the time for this call is up"),
        _ when _life.Token.IsCancellationRequested => Cancelled,
        _ => GrpcFailures.From(e),
    };

    private void End(GrpcStatus status)
    {
        lock (_gate)
        {
            _status ??= status;
        }

        _life.End();
    }
}
