using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>Sends answers over HTTP: always with their length, never in chunks, for simple clients (proxy integration §6.4).</summary>
internal static class HttpAnswers
{
    /// <summary>The media type of the binary form.</summary>
    public const string FrameType = "application/vnd.sidecar.frame";

    /// <summary>Sends a decision or an error.</summary>
    /// <param name="features">The request.</param>
    /// <param name="answer">What to say.</param>
    /// <param name="asFrame">Whether in the binary form.</param>
    /// <param name="maxRefusal">Longest refusal in JSON; of a longer one the default page is sent.</param>
    /// <param name="closes">Whether the connection is of no more use, because its request was not read to the end.</param>
    public static Task SendAsync(IFeatureCollection features, Answer answer, bool asFrame, int maxRefusal = int.MaxValue, bool closes = false)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        AnswerWriter.WriteAs(output, answer, asFrame, maxRefusal);
        if (closes)
        {
            features.GetRequiredFeature<IHttpResponseFeature>().Headers.Connection = "close";
        }

        return SendAsync(features, answer.Status, asFrame ? FrameType : "application/json", output.WrittenMemory);
    }

    /// <summary>Sends one line of text.</summary>
    public static Task SendAsync(IFeatureCollection features, int status, string line) =>
        SendAsync(features, status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>Sends an answer without a body.</summary>
    public static Task SendEmptyAsync(IFeatureCollection features, int status)
    {
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        answer.StatusCode = status;
        if (status != 204)
        {
            answer.Headers.ContentLength = 0;
        }

        return Task.CompletedTask;
    }

    private static async Task SendAsync(IFeatureCollection features, int status, string type, ReadOnlyMemory<byte> body)
    {
        var answer = features.GetRequiredFeature<IHttpResponseFeature>();
        answer.StatusCode = status;
        answer.Headers.ContentType = type;
        answer.Headers.ContentLength = body.Length;
        await features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body).ConfigureAwait(false);
    }
}
