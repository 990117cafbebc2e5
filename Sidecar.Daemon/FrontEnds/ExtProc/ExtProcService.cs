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
/// The gRPC service <c>envoy.service.ext_proc.v3.ExternalProcessor</c>: each call is an <see cref="ExtProcStream"/>. Safe for any number of
/// calls.
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

    private readonly LogThrottle _throttle = new(inspector.Time);
    private readonly ExtProcFilter _filter = new(options, inspector.Warnings, inspector.Time, logger);

    /// <summary>Serves a stream until it ends.</summary>
    public async Task AnswerAsync(GrpcServerCall call)
    {
        var stream = new ExtProcStream(inspector, _filter, call);
        await using (stream.ConfigureAwait(false))
        {
            try
            {
                while (stream.End is null)
                {
                    // Envoy resets every stream that has not ended; only a read that waits costs an exception then.
                    var read = await call.TryReadAsync(ProcessingRequest.Parser).ConfigureAwait(false);
                    if (read.IsGone)
                    {
                        stream.OnGone(GoneFor);
                        break;
                    }

                    await TakeAsync(call, stream, read.Message).ConfigureAwait(false);
                }
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
        if (stream.End == ExtProcEnd.Gone)
        {
            call.Fail(call.IsDeadlineExceeded ? GrpcStatusCode.DeadlineExceeded : GrpcStatusCode.Cancelled, ExtProcEnd.Gone.Detail);
        }
    }

    // Null is the end of Envoy's side. What was received and needed room is dealt with before the next is read: so it is bounded over all
    // streams.
    private ValueTask TakeAsync(GrpcServerCall call, ExtProcStream stream, ProcessingRequest? message)
    {
        var taken = message is null ? stream.OnHalfClosedAsync() : stream.OnMessageAsync(message);
        return taken.IsCompletedSuccessfully && !call.HoldsRoom ? taken : AwaitUnreadAsync(call, stream, taken);
    }

    // While nothing is read, only the call itself tells that Envoy has reset it.
    private async ValueTask AwaitUnreadAsync(GrpcServerCall call, ExtProcStream stream, ValueTask taken)
    {
        var registration = call.Cancellation.UnsafeRegister(_ => stream.OnGone(GoneFor), null);
        await using (registration.ConfigureAwait(false))
        {
            await taken.ConfigureAwait(false);
            if (call.HoldsRoom)
            {
                await stream.IdleAsync().ConfigureAwait(false);
            }
        }
    }

    private Cause GoneFor => isStopping() ? Cause.Shutdown : Cause.ClientGone;
}
