using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>The application of an http listener whose proxy asks at a path of ours: its questions, the replies nginx fetches, and whether we are well. No middleware, no routing.</summary>
/// <remarks>
/// Paths are compared byte for byte with the raw target, before anybody resolves dot segments in it; a query is ignored. Only the proxy's
/// configuration chooses the path, so an unknown one is 404.
/// </remarks>
/// <param name="check">Answers <c>/check</c> and <c>/v1/forward-auth</c>, and below both <c>/announced</c>, where a configuration asks that lets no body pass unannounced.</param>
/// <param name="reply">Answers <c>/v1/reply/TOKEN</c>; null for a proxy that gets replies at once.</param>
/// <param name="missingAgents">The enforced agents that take no exchanges now; asked for each <c>/readyz</c>.</param>
internal sealed class HttpFrontEnd(CheckEndpoint check, ReplyEndpoint? reply, Func<IReadOnlyList<string>> missingAgents) : IHttpApplication<IFeatureCollection>
{
    private const string ReplyPrefix = "/v1/reply/";

    /// <inheritdoc/>
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    /// <inheritdoc/>
    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    /// <inheritdoc/>
    public Task ProcessRequestAsync(IFeatureCollection context)
    {
        var target = context.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        var query = target.IndexOf('?');
        var path = query < 0 ? target : target[..query];
        return path switch
        {
            "/check" or "/v1/forward-auth" => check.AnswerAsync(context),
            "/check/announced" or "/v1/forward-auth/announced" => check.AnswerAsync(context, isAnnounced: true),
            "/healthz" => SendAsync(context, StatusCodes.Status200OK, "ok"),
            "/readyz" when missingAgents() is { Count: > 0 } missing =>
                SendAsync(context, StatusCodes.Status503ServiceUnavailable, $"no connection to {string.Join(", ", missing)}"),
            "/readyz" => SendAsync(context, StatusCodes.Status200OK, "ready"),
            _ when reply is not null && path.StartsWith(ReplyPrefix, StringComparison.Ordinal) => reply.AnswerAsync(context, path[ReplyPrefix.Length..]),
            _ => SendAsync(context, StatusCodes.Status404NotFound, "no such endpoint"),
        };
    }

    private static async Task SendAsync(IFeatureCollection features, int status, string line)
    {
        var body = Encoding.UTF8.GetBytes(line + "\n");
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        answer.StatusCode = status;
        answer.Headers.ContentType = "text/plain; charset=utf-8";
        answer.Headers.ContentLength = body.Length;
        await features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body).ConfigureAwait(false);
    }
}
