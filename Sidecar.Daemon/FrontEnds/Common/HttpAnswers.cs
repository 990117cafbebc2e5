using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Daemon.FrontEnds.Common;

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
        if (status != StatusCodes.Status204NoContent)
        {
            answer.Headers.ContentLength = 0;
        }

        return Task.CompletedTask;
    }
}
