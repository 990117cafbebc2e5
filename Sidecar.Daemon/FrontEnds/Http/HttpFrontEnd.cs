using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>The application of an http listener: nginx's questions, the replies it fetches, and whether we are well. No middleware, no routing.</summary>
/// <remarks>
/// Paths are compared byte for byte with the raw target, before anybody resolves dot segments in it; a query is ignored. Only the proxy's
/// configuration chooses the path, so an unknown one is 404.
/// </remarks>
internal sealed class HttpFrontEnd(CheckEndpoint check, ReplyEndpoint reply, Func<string?> unready) : IHttpApplication<IFeatureCollection>
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
            "/healthz" => SendAsync(context, StatusCodes.Status200OK, "ok"),
            "/readyz" when unready() is { } reason => SendAsync(context, StatusCodes.Status503ServiceUnavailable, reason),
            "/readyz" => SendAsync(context, StatusCodes.Status200OK, "ready"),
            _ when path.StartsWith(ReplyPrefix, StringComparison.Ordinal) => reply.AnswerAsync(context, path[ReplyPrefix.Length..]),
            _ => SendAsync(context, StatusCodes.Status404NotFound, "no such endpoint"),
        };
    }

    private static Task SendAsync(IFeatureCollection features, int status, string line)
    {
        var body = Encoding.UTF8.GetBytes(line + "\n");
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        answer.StatusCode = status;
        answer.Headers.ContentType = "text/plain; charset=utf-8";
        answer.Headers.ContentLength = body.Length;
        return features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body).AsTask();
    }
}
