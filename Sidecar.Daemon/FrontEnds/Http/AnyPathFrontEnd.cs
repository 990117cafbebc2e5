using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>The application of an http listener whose proxy passes the client's path through: every request is a question, whatever its path (rule 9).</summary>
/// <param name="listener">The listener's name.</param>
/// <param name="check">Answers.</param>
/// <param name="logger">Takes defects of ours.</param>
internal sealed class AnyPathFrontEnd(string listener, CheckEndpoint check, ILogger<AnyPathFrontEnd> logger) : IHttpApplication<IFeatureCollection>
{
    /// <inheritdoc/>
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    /// <inheritdoc/>
    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(IFeatureCollection context)
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
            answer.Headers.ContentLength = 0;
            answer.StatusCode = StatusCodes.Status403Forbidden;
        }
    }
}
