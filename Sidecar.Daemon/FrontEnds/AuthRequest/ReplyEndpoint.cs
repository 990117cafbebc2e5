using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// The second step for a request that was not let through: sends the reply of a token to the proxy, which hands it to the client.
/// </summary>
/// <remarks>
/// A token that is none gets the default page of a block, never 404: an error here must not look like an answer of the upstream.
/// </remarks>
internal sealed class ReplyEndpoint(
    HttpListenerOptions options, ReplyTokens tokens, SidecarMetrics metrics, TimeProvider time, ILogger<ReplyEndpoint> logger)
{
    private static readonly Reply DefaultReply = ReplyRenderer.Render(new Verdict { Kind = VerdictKind.Block });

    private readonly LogThrottle _throttle = new(time);

    /// <summary>Sends the reply.</summary>
    /// <param name="features">The request.</param>
    /// <param name="token">What stood behind the path.</param>
    public Task AnswerAsync(IFeatureCollection features, ReadOnlySpan<char> token)
    {
        var state = tokens.Read(token, out var reply);
        metrics.ReplySent(options.Name, state.ToString().ToLowerInvariant());
        if (reply is null)
        {
            if (_throttle.MayLog(options.Name, out var more))
            {
                Log.BadToken(logger, options.Name, state, more);
            }

            reply = DefaultReply;
        }

        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        answer.StatusCode = reply.Status;
        ForwardAuthResponse.WriteHeaders(answer.Headers, reply);

        // 204, 205 and 304 have none; for the others an empty one is one too.
        if (reply.Body.IsEmpty)
        {
            return Task.CompletedTask;
        }

        answer.Headers.ContentLength = reply.Body.Length;
        return features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(reply.Body).AsTask();
    }
}
