using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Sidecar.Protocol.Grpc.Server;

/// <summary>Answers the calls of one method.</summary>
/// <remarks>
/// It must return soon after <see cref="GrpcServerCall.Cancellation"/> fires: nobody waits for it any more, and a server that stops waits
/// for all.
/// </remarks>
/// <param name="call">
/// The call. It ends when the task does: with OK, with what <see cref="GrpcServerCall.Fail"/> said, or with the status of the
/// <see cref="GrpcException"/> thrown.
/// </param>
public delegate Task GrpcHandler(GrpcServerCall call);

/// <summary>The application of a Kestrel that speaks gRPC: finds the method, runs its handler, ends the call with a status.</summary>
/// <remarks>
/// <para>No middleware, no routing: paths are compared byte for byte. Thread-safe.</para>
/// <para>
/// It is our own because a message that is too large must reach its handler as such, which answers Envoy with a 413 of its own, and because
/// the memory of messages is bounded over all calls of a listener (<see cref="GrpcServerOptions.ReceiveMemory"/>): packages refuse such a
/// message before any handler runs, and read every message whole. Messages and their prefixes are read and written here for the same
/// reasons; unary questions of the benchmark and streams to agents (<see cref="Client.GrpcChannel"/>) are all that we call ourselves.
/// </para>
/// </remarks>
/// <param name="methods">The handlers, by path (<c>/package.Service/Method</c>).</param>
/// <param name="options">What is borne of each call.</param>
/// <param name="logger">Where handlers that fail are logged.</param>
public sealed class GrpcApplication(
    IReadOnlyDictionary<string, GrpcHandler> methods, GrpcServerOptions options, ILogger logger) : IHttpApplication<IFeatureCollection>
{
    private static readonly GrpcStatus HandlerFailed = new(
        GrpcStatusCode.Unknown, "the handler of this method failed; see the server's log");
    private static readonly GrpcStatus DeadlineExceeded = new(GrpcStatusCode.DeadlineExceeded, "the time that the caller gave is up");
    private static readonly GrpcStatus Cancelled = new(GrpcStatusCode.Cancelled, "the call was cancelled");

    /// <inheritdoc/>
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    /// <inheritdoc/>
    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    /// <inheritdoc/>
    public Task ProcessRequestAsync(IFeatureCollection context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var response = context.GetRequiredFeature<IHttpResponseFeature>();
        if (!HttpMethods.IsPost(request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            response.Headers.Allow = HttpMethods.Post;
            return Task.CompletedTask;
        }

        if (!GrpcHeaderNames.IsGrpc(request.Headers.ContentType))
        {
            response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return Task.CompletedTask;
        }

        response.Headers.ContentType = GrpcHeaderNames.ContentType;
        if (request.Headers.ContainsKey(GrpcHeaderNames.Encoding))
        {
            response.Headers[GrpcHeaderNames.AcceptEncoding] = GrpcHeaderNames.IdentityEncoding;
        }

        if (!methods.TryGetValue(request.RawTarget, out var handler))
        {
            return Refuse(context, new GrpcStatus(GrpcStatusCode.Unimplemented, $"there is no method {request.RawTarget} here"));
        }

        TimeSpan? timeout = null;
        if (request.Headers.TryGetValue(GrpcHeaderNames.Timeout, out var text))
        {
            if (!GrpcTimeout.TryParse(text.ToString(), out var given))
            {
                return Refuse(
                    context,
                    new GrpcStatus(
                        GrpcStatusCode.Internal, $"grpc-timeout '{text}' is none; up to eight digits and one of H M S m u n are expected"));
            }

            timeout = given;
        }

        return RunAsync(new GrpcServerCall(context, timeout, options), handler);
    }

    private static Task Refuse(IFeatureCollection context, GrpcStatus status)
    {
        GrpcResponse.SetStatus(context, status);
        return Task.CompletedTask;
    }

    private async Task RunAsync(GrpcServerCall call, GrpcHandler handler)
    {
        try
        {
            await handler(call).ConfigureAwait(false);
            call.End();
        }
        catch (GrpcException e)
        {
            call.End(e.Status);
        }
        catch (OperationCanceledException) when (call.Cancellation.IsCancellationRequested)
        {
            call.End(call.IsDeadlineExceeded ? DeadlineExceeded : Cancelled);
        }
        catch (Exception e)
        {
            // Whatever a handler throws, its caller gets a status and the connection lives on.
            Log.HandlerFailed(logger, e, call.Path);
            call.End(HandlerFailed);
        }
    }
}

/// <summary>The parts of a response that are the same for every call.</summary>
internal static class GrpcResponse
{
    /// <summary>Says how the call ended: in trailers, or in the headers if none were sent yet.</summary>
    public static void SetStatus(IFeatureCollection features, GrpcStatus status)
    {
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        var fields = response.HasStarted ? features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers : response.Headers;
        fields[GrpcHeaderNames.Status] = GrpcStatusText.Format(status.Code);
        if (!string.IsNullOrEmpty(status.Message))
        {
            fields[GrpcHeaderNames.Message] = GrpcStatusText.Encode(status.Message);
        }
    }
}
