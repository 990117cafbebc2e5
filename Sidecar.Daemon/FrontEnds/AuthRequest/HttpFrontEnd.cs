using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.FrontEnds.Common;

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
