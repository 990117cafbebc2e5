using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Sidecar.Protocol.Grpc.Client;

/// <summary>Our side of a call: one message after the other into its request body, each whole, then the half-close.</summary>
/// <remarks>Thread-safe.</remarks>
/// <param name="content">The request body.</param>
/// <param name="life">How long the call lives.</param>
/// <param name="maxLength">The longest message to send, in bytes.</param>
/// <param name="end">Ends the call with a status.</param>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to free.")]
internal sealed class CallOutput(CallContent content, CallLifetime life, int maxLength, Action<GrpcStatus> end)
{
    private readonly SemaphoreSlim _writing = new(1, 1);
    private bool _completed;

    /// <inheritdoc cref="GrpcClientCall{TResponse}.WriteAsync"/>
    public async ValueTask<bool> WriteAsync(IMessage message, CancellationToken cancellation)
    {
        var both = life.Link(cancellation);
        try
        {
            await _writing.WaitAsync(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            both.Dispose();
        }

        // The message is sent to its end even if nobody waits for that: half a message would break the call for all.
        var sending = SendAndReleaseAsync(message);
        return cancellation.CanBeCanceled && !sending.IsCompleted
            ? await sending.AsTask().WaitAsync(cancellation).ConfigureAwait(false)
            : await sending.ConfigureAwait(false);
    }

    /// <inheritdoc cref="GrpcClientCall{TResponse}.CompleteAsync"/>
    public async ValueTask CompleteAsync()
    {
        try
        {
            await _writing.WaitAsync(life.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        _completed = true;
        content.Complete();
        _writing.Release();
    }

    /// <summary>Gives the buffers back. The call is over; nothing can be written any more.</summary>
    public async ValueTask CloseAsync()
    {
        // A writer may still use them.
        await _writing.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        if (content.Output.IsCompletedSuccessfully)
        {
            // With an exception, or it would send what is left.
            (await content.Output.ConfigureAwait(false)).Complete(new OperationCanceledException());
        }
    }

    private async ValueTask<bool> SendAndReleaseAsync(IMessage message)
    {
        try
        {
            if (_completed)
            {
                throw new InvalidOperationException("no message may follow: the call was completed");
            }

            var output = await content.Output.WaitAsync(life.Token).ConfigureAwait(false);
            Serialize(output, message);
            await output.FlushAsync(life.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException or ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            _writing.Release();
        }
    }

    private void Serialize(PipeWriter output, IMessage message)
    {
        try
        {
            GrpcMessageWriter.Write(output, message, maxLength);
        }
        catch (Exception e) when (e is not GrpcException)
        {
            // Half a message may lie in the buffer; nothing after it could be understood.
            end(new GrpcStatus(GrpcStatusCode.Internal, $"a message could not be written: {e.Message}"));
            throw;
        }
    }
}
