using System.IO.Pipelines;

namespace Sidecar.Protocol.Grpc.Client;

/// <summary>
/// One call of a <see cref="GrpcChannel"/> as a pipe: bytes of messages with their prefixes, written and read by whoever owns it.
/// </summary>
/// <remarks>
/// For protocols with a machinery of their own for many small messages. One writer and one reader at a time, as pipes have it. What ends
/// the call ends the reader; <see cref="DescribeEnd"/> then says why.
/// </remarks>
public sealed class GrpcStreamCall : IDuplexPipe, IAsyncDisposable
{
    private static readonly StreamPipeReaderOptions InputOptions = new(bufferSize: 16 * 1024, leaveOpen: true);

    private readonly HttpMessageInvoker _invoker;
    private readonly HttpRequestMessage _request;
    private readonly CallContent _content;
    private readonly CallLifetime _life;
    private readonly Task<PipeReader?> _started;
    private HttpResponseMessage? _response;
    private GrpcStatus? _status;
    private Exception? _failure;
    private PipeWriter? _output;
    private int _disposed;

    private GrpcStreamCall(HttpMessageInvoker invoker, HttpRequestMessage request, CallLifetime life)
    {
        _invoker = invoker;
        _request = request;
        _content = (CallContent)request.Content!;
        _life = life;
        using (ExecutionContext.SuppressFlow())
        {
            _started = SendAsync();
        }

        Input = new CallInput(_started);
    }

    /// <summary>What the server sends; it may be read before the server has sent its headers.</summary>
    public PipeReader Input { get; }

    /// <summary>What is sent. Completing it sends nothing: disposing the call ends it.</summary>
    public PipeWriter Output => _output!;

    /// <summary>Starts a call and waits until its headers are sent, not for the server to answer.</summary>
    /// <exception cref="GrpcException">It could not be started, or ended before.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> fired.</exception>
    internal static async Task<GrpcStreamCall> OpenAsync(
        HttpMessageInvoker invoker, HttpRequestMessage request, CallLifetime life, CancellationToken cancellation)
    {
        var call = new GrpcStreamCall(invoker, request, life);
        try
        {
            await Task.WhenAny(call._content.Output, call._started).WaitAsync(cancellation).ConfigureAwait(false);
            if (!call._content.Output.IsCompleted && await call._started.ConfigureAwait(false) is null)
            {
                throw new GrpcException(call._status!.Value.Code, call._status.Value.Message, call._failure);
            }

            // A server that is quick has sent its headers before we were told that ours are gone.
            call._output = await call._content.Output.WaitAsync(cancellation).ConfigureAwait(false);
            return call;
        }
        catch
        {
            await call.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Why the call ended: the server's status, or what broke. Null when nothing is known, or it ended well.</summary>
    /// <param name="error">What reading or writing threw; null for nothing.</param>
    public string? DescribeEnd(Exception? error)
    {
        if (_status is { } status)
        {
            return status.ToString();
        }

        if (_response is { } response && response.TrailingHeaders.NonValidated.Count > 0)
        {
            var end = GrpcResponses.EndInTrailers(response);
            return end.IsOk ? null : end.ToString();
        }

        return error is IOException or HttpRequestException ? GrpcFailures.From(error).ToString() : null;
    }

    /// <summary>Ends the call; if the server has not ended it, it sees that no message follows, or that the call was cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _content.Complete();
        _life.End();
        if (await _started.ConfigureAwait(false) is { } reader)
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }

        // With an exception, or it would send what is left.
        _output?.Complete(new OperationCanceledException());
        _response?.Dispose();
        _request.Dispose();
    }

    // Null when the call ended before messages could come.
    private async Task<PipeReader?> SendAsync()
    {
        try
        {
            _response = await _invoker.SendAsync(_request, _life.Token).ConfigureAwait(false);
            if (GrpcResponses.EndInHeaders(_response) is { } status)
            {
                _status = status;
                return null;
            }

            return PipeReader.Create(await _response.Content.ReadAsStreamAsync(_life.Token).ConfigureAwait(false), InputOptions);
        }
        catch (Exception e)
        {
            // Whatever breaks below is how the call ended.
            _failure = e;
            _status = _life.Token.IsCancellationRequested
                ? new GrpcStatus(GrpcStatusCode.Cancelled, "the call was cancelled")
                : GrpcFailures.From(e);
            return null;
        }
    }
}
