using System.Text;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// What clients of gRPC are told instead of a page: a status of theirs and one line, which Envoy makes the message. Stateless.
/// </summary>
internal static class GrpcReply
{
    // As long as our own messages: it travels in a header.
    private const int MaxLine = GrpcStatusText.MaxMessageLength;

    /// <summary>Whether a request comes from such a client, as Envoy sees it: in whatever way messages are encoded.</summary>
    public static bool IsFor(HeaderBlock request)
    {
        var type = request.Get("content-type") ?? "";
        return type.StartsWith(GrpcHeaderNames.ContentType, StringComparison.Ordinal)
            && (type.Length == GrpcHeaderNames.ContentType.Length || type[GrpcHeaderNames.ContentType.Length] is '+' or ';');
    }

    /// <summary>The reply with its status in a header, unless an agent named another.</summary>
    /// <remarks>Of most Envoy itself makes UNKNOWN or UNAVAILABLE, upon which clients try again.</remarks>
    public static Reply Of(Reply reply)
    {
        var line = AsLine(reply);
        return line.Headers.Any(static header => header.Key == GrpcHeaderNames.Status) ? line
            : line with { Headers = [.. line.Headers, new(GrpcHeaderNames.Status, GrpcStatusText.Format(CodeOf(reply.Status)))] };
    }

    /// <summary>The reply with one line instead of its page, also for where nobody knows who is told.</summary>
    public static Reply AsLine(Reply reply)
    {
        // These have none.
        var line = reply.Status is 204 or 205 or 304 ? "" : ReplyRenderer.LineOf(reply);
        return reply with
        {
            Headers = [.. reply.Headers.Where(static header => header.Key != "content-type")],
            Body = Encoding.UTF8.GetBytes(line.Length > MaxLine ? string.Concat(line.EnumerateRunes().Take(MaxLine)) : line),
        };
    }

    /// <summary>
    /// The status of gRPC that says the same: what an agent refuses is denied, and only what may pass later invites to try again.
    /// </summary>
    public static GrpcStatusCode CodeOf(int status) => status switch
    {
        401 => GrpcStatusCode.Unauthenticated,
        413 or 429 => GrpcStatusCode.ResourceExhausted,
        >= 500 => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.PermissionDenied,
    };
}
