using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// For proxies that hand a refusal to the client as it stands: the whole reply in the one answer (proxy integration §4.1).
/// </summary>
/// <remarks>
/// An allow is 200 and tells all there is to copy. A refusal tells the client nothing of ours but the exchange's id, the join key for logs.
/// A status that the proxy would take for an allow or a failure of ours becomes 403: a block with status 200 would else let the request
/// pass.
/// </remarks>
internal sealed class ForwardAuthResponse(ProxyProfile dialect, HeaderMapping carried) : IVerdictWriter
{
    public ReadOnlyMemory<byte> Write(IHttpResponseFeature answer, Exchange exchange, Verdict verdict, bool isGrpc)
    {
        var headers = answer.Headers;
        if (verdict.IsAllow)
        {
            headers.ContentLength = 0;
            headers[AnswerHeaders.Id] = exchange.Id.ToString();
            headers[AnswerHeaders.Action] = verdict.Kind.Label();
            headers[AnswerHeaders.Audit] = AuditLine.Write(verdict.Audits);
            headers[AnswerHeaders.Bypassed] = verdict.Cause == Cause.None ? "" : verdict.Cause.Label();
            return default;
        }

        carried.Withdraw(headers);
        headers[AnswerHeaders.Id] = exchange.Id.ToString();
        var reply = ReplyRenderer.Render(verdict);
        var line = isGrpc && dialect.MakesGrpcStatuses ? GrpcReply.Of(reply) : null;
        answer.StatusCode = reply.Status;
        if (reply.Status < dialect.LowestDenial || reply.Status > dialect.HighestDenial)
        {
            answer.StatusCode = StatusCodes.Status403Forbidden;
            headers[AnswerHeaders.Status] = reply.Status.ToString(CultureInfo.InvariantCulture);

            // Rendered anew, because the other status may have had no body.
            reply = verdict.Decision is BlockDecision block
                ? ReplyRenderer.Render(verdict with { Decision = block with { Status = StatusCodes.Status403Forbidden } })
                : reply;
        }

        reply = line ?? reply;
        WriteHeaders(headers, reply);

        // These have none; for the others an empty one is one too.
        if (answer.StatusCode is not (StatusCodes.Status204NoContent or StatusCodes.Status304NotModified))
        {
            headers.ContentLength = reply.Body.Length;
        }

        return reply.Body;
    }

    /// <summary>Writes the headers of a reply, which say themselves that nobody may keep it.</summary>
    public static void WriteHeaders(IHeaderDictionary headers, Reply reply)
    {
        headers.CacheControl = default;
        foreach (var (name, value) in reply.Headers)
        {
            headers.Append(name, WireText.ToWire(value));
        }
    }
}
