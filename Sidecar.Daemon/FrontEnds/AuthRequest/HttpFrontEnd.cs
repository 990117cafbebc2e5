using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// The application of an http listener whose proxy asks at a path of ours: its questions, the replies nginx fetches, and whether we are
/// well. No middleware, no routing.
/// </summary>
/// <remarks>
/// Paths are compared byte for byte with the raw target, before anybody resolves dot segments in it; a query is ignored. Only the proxy's
/// configuration chooses the path, so an unknown one is 404.
/// </remarks>
/// <param name="check">Answers <c>/check</c> and <c>/v1/forward-auth</c>, and what lies below both for the configurations that
/// <see cref="CheckForm"/> names.</param>
/// <param name="reply">Answers <c>/v1/reply/TOKEN</c>; null for a proxy that gets replies at once.</param>
/// <param name="missingAgents">The enforced agents that take no exchanges now; asked for each <c>/readyz</c>.</param>
internal sealed class HttpFrontEnd(CheckEndpoint check, ReplyEndpoint? reply, Func<IReadOnlyList<string>> missingAgents)
    : FeatureApplication
{
    private const string ReplyPrefix = "/v1/reply/";

    public override Task ProcessRequestAsync(IFeatureCollection context)
    {
        var path = PathOf(context);
        return path switch
        {
            "/check" or "/v1/forward-auth" => check.AnswerAsync(context),
            "/check/announced" or "/v1/forward-auth/announced" => check.AnswerAsync(context, CheckForm.Announced),
            "/v1/forward-auth/upgrades" => check.AnswerAsync(context, CheckForm.Upgrades),
            _ when reply is not null && path.StartsWith(ReplyPrefix, StringComparison.Ordinal) =>
                reply.AnswerAsync(context, path[ReplyPrefix.Length..]),
            _ => HttpAnswers.SendHealth(context, path, missingAgents)
                ?? HttpAnswers.SendAsync(context, StatusCodes.Status404NotFound, "no such endpoint"),
        };
    }
}

/// <summary>
/// The application of an http listener whose proxy passes the client's path through: every request is a question, whatever its path (rule
/// 9).
/// </summary>
/// <param name="listener">The listener's name.</param>
/// <param name="check">Answers.</param>
/// <param name="logger">Takes defects of ours.</param>
internal sealed class AnyPathFrontEnd(string listener, CheckEndpoint check, ILogger<AnyPathFrontEnd> logger) : FeatureApplication
{
    public override async Task ProcessRequestAsync(IFeatureCollection context)
    {
        try
        {
            await check.AnswerAsync(context).ConfigureAwait(false);
        }
        catch (Exception e) when (!context.GetRequiredFeature<IHttpResponseFeature>().HasStarted)
        {
            // The server would answer 500, which Envoy takes for a failure and its failure_mode_allow for a reason to let the request pass.
            Log.AnswerFailed(logger, listener, e);
            var answer = context.GetRequiredFeature<IHttpResponseFeature>();
            answer.Headers.Clear();
            NoStore.Mark(answer);
            await HttpAnswers.SendEmptyAsync(context, StatusCodes.Status403Forbidden).ConfigureAwait(false);
        }
    }
}

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
