using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>An application that needs no more of a request than the server's own features.</summary>
internal abstract class FeatureApplication : IHttpApplication<IFeatureCollection>
{
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // The server owns the features.
    }

    public abstract Task ProcessRequestAsync(IFeatureCollection context);

    /// <summary>The path of a request, byte for byte, without its query.</summary>
    protected static ReadOnlySpan<char> PathOf(IFeatureCollection features)
    {
        var target = features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        var query = target.IndexOf('?');
        return query < 0 ? target : target[..query];
    }
}

/// <summary>
/// Says of every answer of an http listener that nobody may keep it: a proxy that did would let pass by an old verdict what nobody was
/// asked about.
/// </summary>
internal sealed class NoStore(IHttpApplication<IFeatureCollection> inner) : FeatureApplication
{
    public override Task ProcessRequestAsync(IFeatureCollection context)
    {
        Mark(context.GetRequiredFeature<IHttpResponseFeature>());
        return inner.ProcessRequestAsync(context);
    }

    /// <summary>Says so of an answer whose headers were begun anew.</summary>
    public static void Mark(IHttpResponseFeature answer) => answer.Headers.CacheControl = "no-store";
}

/// <summary>Sends answers over HTTP: always with their length, never in chunks, for simple clients (proxy integration §6.4).</summary>
internal static class HttpAnswers
{
    /// <summary>Answers whoever asks whether we are well, on <c>/healthz</c> and <c>/readyz</c>; null for any other path.</summary>
    /// <param name="features">The request.</param>
    /// <param name="path">Its path.</param>
    /// <param name="missingAgents">The enforced agents that take no exchanges now; asked for each <c>/readyz</c>.</param>
    public static Task? SendHealth(
        IFeatureCollection features, ReadOnlySpan<char> path, Func<IReadOnlyList<string>> missingAgents) => path switch
        {
            "/healthz" => SendAsync(features, StatusCodes.Status200OK, "ok"),
            "/readyz" when missingAgents() is { Count: > 0 } missing =>
                SendAsync(features, StatusCodes.Status503ServiceUnavailable, $"no connection to {string.Join(", ", missing)}"),
            "/readyz" => SendAsync(features, StatusCodes.Status200OK, "ready"),
            _ => null,
        };

    /// <summary>Sends one line of text.</summary>
    public static Task SendAsync(IFeatureCollection features, int status, string line) =>
        SendAsync(features, status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>Sends an answer.</summary>
    public static async Task SendAsync(IFeatureCollection features, int status, string type, ReadOnlyMemory<byte> body)
    {
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        answer.StatusCode = status;
        answer.Headers.ContentType = type;
        answer.Headers.ContentLength = body.Length;
        await features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body).ConfigureAwait(false);
    }

    /// <summary>Sends an answer without a body.</summary>
    public static Task SendEmptyAsync(IFeatureCollection features, int status)
    {
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        answer.StatusCode = status;
        answer.Headers.ContentLength = status == StatusCodes.Status204NoContent ? null : 0;
        return Task.CompletedTask;
    }
}
