using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc.Server;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>Writes the answers of an ext_proc stream into its gRPC call. One write at a time.</summary>
internal sealed class CallOutput(GrpcServerCall call, TimeProvider time) : IExtProcOutput
{
    // Far above what a proxy that lives takes to read; one that does not holds memory of ours.
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ProcessingResponse answer)
    {
        var pending = call.WriteAsync(answer, call.Cancellation);
        if (!(pending.IsCompleted ? await pending.ConfigureAwait(false) : await WaitAsync(pending.AsTask()).ConfigureAwait(false)))
        {
            throw new IOException("the call is over");
        }
    }

    private async Task<bool> WaitAsync(Task<bool> pending)
    {
        try
        {
            return await pending.WaitAsync(WriteTimeout, time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The answer's memory is valid only until we return, and only a reset ends the write for certain.
            call.Abort();
            await pending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }
}
