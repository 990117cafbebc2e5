using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>The gRPC service <c>envoy.service.ext_proc.v3.ExternalProcessor</c>: each call is an <see cref="ExtProcStream"/>. Safe for any number of calls.</summary>
/// <param name="inspector">Asks the agents.</param>
/// <param name="options">The filter.</param>
/// <param name="metrics">Counts what cannot be carried.</param>
/// <param name="isStopping">Whether calls that end now are cut off by us.</param>
/// <param name="logger">Takes what an operator must know.</param>
internal sealed class ExtProcService(Inspector inspector, ExtProcOptions options, SidecarMetrics metrics, Func<bool> isStopping, ILogger<ExtProcService> logger)
{
    /// <summary>The method's path.</summary>
    public const string Path = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

    // Beyond it the room of a message is kept until it is answered, so that what was received and not answered is bounded over all streams.
    private const int LargeMessage = 64 * 1024;

    private readonly LogPace _pace = new(inspector.Time);

    /// <summary>Serves a stream until it ends.</summary>
    public async Task AnswerAsync(GrpcServerCall call)
    {
        var output = new CallOutput(call, inspector.Time);
        using var over = new CancellationTokenSource();
        var stream = new ExtProcStream(inspector, options, metrics, output, logger);
        await using (stream.ConfigureAwait(false))
        {
            var registration = call.Cancellation.UnsafeRegister(state => ((ExtProcStream)state!).OnGone(isStopping() ? Cause.Shutdown : Cause.ClientGone), stream);
            await using (registration.ConfigureAwait(false))
            {
                var reading = ReadAsync(call, stream, over.Token);
                Tell(call, await stream.Ended.ConfigureAwait(false));

                // The handler may not return under a read.
                await over.CancelAsync().ConfigureAwait(false);
                await reading.ConfigureAwait(false);
            }
        }
    }

    private async Task ReadAsync(GrpcServerCall call, ExtProcStream stream, CancellationToken over)
    {
        try
        {
            while (!over.IsCancellationRequested && await call.ReadAsync(ProcessingRequest.Parser, over).ConfigureAwait(false) is { } message)
            {
                await stream.OnMessageAsync(message).ConfigureAwait(false);
                if (message.CalculateSize() > LargeMessage)
                {
                    await stream.IdleAsync().ConfigureAwait(false);
                }
            }

            await stream.OnHalfClosedAsync().ConfigureAwait(false);
        }
        catch (GrpcException e) when (CauseOf(e) is { } cause)
        {
            if (_pace.MayLog(options.Name, out var more))
            {
                Log.MessageRefused(logger, options.Name, cause.Label(), e.Message, more);
            }

            await stream.RefuseAsync(cause).ConfigureAwait(false);
        }
        catch (GrpcException e)
        {
            stream.Fail(e.Message);
        }
        catch (OperationCanceledException)
        {
            stream.OnGone(isStopping() ? Cause.Shutdown : Cause.ClientGone);
        }
        catch (Exception e)
        {
            Log.CallFailed(logger, options.Name, call.Path, e);
            await stream.RefuseAsync(Cause.Internal).ConfigureAwait(false);
        }
    }

    /// <summary>What a message that a client can cause is refused for; null for one that only a broken peer sends.</summary>
    public static Cause? CauseOf(GrpcException error) => error.Status.Code switch
    {
        GrpcStatusCode.ResourceExhausted => Cause.TooLarge,
        GrpcStatusCode.Unavailable => Cause.BodyMemory,
        _ => null,
    };

    private static void Tell(GrpcServerCall call, ExtProcEnd end)
    {
        switch (end.Problem)
        {
            case ExtProcProblem.None:
                break;
            case ExtProcProblem.Gone:
                call.Fail(call.IsDeadlineExceeded ? GrpcStatusCode.DeadlineExceeded : GrpcStatusCode.Cancelled, end.Detail);
                break;
            case ExtProcProblem.Internal:
                call.Fail(GrpcStatusCode.Internal, end.Detail);
                break;
            case ExtProcProblem.UnsupportedMode:
                call.Fail(GrpcStatusCode.FailedPrecondition, end.Detail);
                break;
            default:
                call.Fail(GrpcStatusCode.InvalidArgument, end.Detail);
                break;
        }
    }
}
