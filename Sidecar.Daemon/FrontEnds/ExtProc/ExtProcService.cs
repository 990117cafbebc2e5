using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// The gRPC service <c>envoy.service.ext_proc.v3.ExternalProcessor</c>: each call is an <see cref="ExtProcStream"/>. Safe for any number of calls.
/// </summary>
/// <param name="inspector">Asks the agents.</param>
/// <param name="options">The filter, as the operator describes it.</param>
/// <param name="isStopping">Whether calls that end now are cut off by us.</param>
/// <param name="logger">Takes what an operator must know.</param>
internal sealed class ExtProcService(
    Inspector inspector, EnvoyFilterOptions options, Func<bool> isStopping, ILogger<ExtProcService> logger)
{
    /// <summary>The method's path.</summary>
    public const string Path = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

    // Beyond it the room of a message is kept until it is answered, so that what was received and not answered is bounded over all streams.
    private const int LargeMessage = 64 * 1024;

    private readonly LogThrottle _throttle = new(inspector.Time);
    private readonly ExtProcFilter _filter = new(options, inspector.Warnings, inspector.Time, logger);

    /// <summary>Serves a stream until it ends.</summary>
    public async Task AnswerAsync(GrpcServerCall call)
    {
        var output = new CallOutput(call, inspector.Time);
        using var over = new CancellationTokenSource();
        var stream = new ExtProcStream(inspector, _filter, output);
        await using (stream.ConfigureAwait(false))
        {
            var registration = call.Cancellation.UnsafeRegister(
                state => ((ExtProcStream)state!).OnGone(isStopping() ? Cause.Shutdown : Cause.ClientGone), stream);
            await using (registration.ConfigureAwait(false))
            {
                var reading = ReadAsync(call, stream, over.Token);
                Tell(call, await stream.Ended.ConfigureAwait(false));

                // The handler may not return under a read.
                if (!reading.IsCompleted)
                {
                    await over.CancelAsync().ConfigureAwait(false);
                }

                await reading.ConfigureAwait(false);
            }
        }
    }

    private async Task ReadAsync(GrpcServerCall call, ExtProcStream stream, CancellationToken over)
    {
        try
        {
            // A read that waits when Envoy resets the stream costs an exception; so does one that we take back.
            while (!stream.Ended.IsCompleted)
            {
                var read = await call.TryReadAsync(ProcessingRequest.Parser, over).ConfigureAwait(false);
                if (read.IsGone)
                {
                    stream.OnGone(isStopping() ? Cause.Shutdown : Cause.ClientGone);
                    return;
                }

                if (read.Message is not { } message)
                {
                    break;
                }

                await stream.OnMessageAsync(message).ConfigureAwait(false);
                if (message.CalculateSize() > LargeMessage)
                {
                    await stream.IdleAsync().ConfigureAwait(false);
                }
            }

            await stream.OnHalfClosedAsync().ConfigureAwait(false);
        }
        catch (GrpcException e)
        {
            // Also what is no message at all: an error would let the request pass where the filter fails open.
            var cause = MessageMemory.CauseOf(e) ?? Cause.BrokenFilter;
            if (_throttle.MayLog(options.Name, out var more))
            {
                EnvoyLog.MessageRefused(logger, options.Name, cause.Label(), e.Message, more);
            }

            await stream.RefuseAsync(cause).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            EnvoyLog.CallFailed(logger, options.Name, call.Path, e);
            await stream.RefuseAsync(Cause.Internal).ConfigureAwait(false);
        }
    }

    // Everything else has been answered with a reply; an error besides could undo it.
    private static void Tell(GrpcServerCall call, ExtProcEnd end)
    {
        if (end.Problem == ExtProcProblem.Gone)
        {
            call.Fail(call.IsDeadlineExceeded ? GrpcStatusCode.DeadlineExceeded : GrpcStatusCode.Cancelled, end.Detail);
        }
    }
}

/// <summary>Writes the answers of an ext_proc stream into its gRPC call. One write at a time.</summary>
internal sealed class CallOutput(GrpcServerCall call, TimeProvider time) : IExtProcOutput
{
    // Far above what a proxy that lives takes to read; one that does not holds memory of ours.
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(5);

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
