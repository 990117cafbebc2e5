using System.IO.Pipelines;
using System.Net;

namespace Sidecar.Protocol.Grpc.Client;

/// <summary>The request body of a call: a pipe that is open until the call says that it has sent its last message.</summary>
/// <param name="callOver">Fires when the call is over; then the stream is reset instead of being ended in good order.</param>
internal sealed class CallContent(CancellationToken callOver) : HttpContent
{
    // Each of its buffers is a write of its own, so small ones would make many small HTTP/2 frames of a large message.
    private static readonly StreamPipeWriterOptions OutputOptions = new(minimumBufferSize: 64 * 1024, leaveOpen: true);

    private readonly TaskCompletionSource<PipeWriter> _output = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _begun;

    /// <summary>Where messages are written; there once the request headers are on their way.</summary>
    public Task<PipeWriter> Output => _output.Task;

    /// <summary>Ends the body in good order: the server sees that no message follows. Nothing may be written after.</summary>
    public void Complete() => _completed.TrySetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The handler may try a request again; messages that went to the first stream cannot be sent to another.
        if (Interlocked.Exchange(ref _begun, 1) != 0)
        {
            throw new IOException("the call was begun on a stream that is gone");
        }

        // Without this the headers wait for the first message, and a server that speaks first is never asked.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        _output.TrySetResult(PipeWriter.Create(stream, OutputOptions));

        // Not with the stream's own token: it fires when the server resets the stream, and a body that fails then hides the server's
        // reason.
        await _completed.Task.WaitAsync(callOver).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
