using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// For nginx's <c>auth_request</c>: 200 or 403, everything else in headers, and a token by which the reply is fetched (proxy integration
/// §2.2).
/// </summary>
/// <remarks>The body is always empty: after any other nginx closes the connection.</remarks>
internal sealed class AuthRequestResponse(
    HeaderMapping carried, ReplyTokens tokens, TimeProvider time, ILogger<AuthRequestResponse> logger) : IVerdictWriter
{
    private readonly LogThrottle _throttle = new(time);

    public ReadOnlyMemory<byte> Write(IHttpResponseFeature answer, Exchange exchange, Verdict verdict, bool isGrpc)
    {
        var headers = answer.Headers;
        var id = exchange.Id.ToString();
        headers.ContentLength = 0;
        headers[AnswerHeaders.Id] = id;
        headers[AnswerHeaders.Action] = verdict.Kind.Label();
        headers[AnswerHeaders.Audit] = AuditLine.Write(verdict.Audits);
        headers[AnswerHeaders.Cause] = verdict.Cause == Cause.None ? "" : verdict.Cause.Label();
        headers[AnswerHeaders.Reply] = "";
        if (!verdict.IsAllow)
        {
            answer.StatusCode = StatusCodes.Status403Forbidden;
            headers[AnswerHeaders.Reply] = TokenFor(exchange, verdict, id);
            carried.WriteNone(headers);
        }

        return default;
    }

    private string TokenFor(Exchange exchange, Verdict verdict, string id)
    {
        var reply = ReplyRenderer.Render(verdict);
        if (tokens.Issue(reply) is { } token)
        {
            return token;
        }

        exchange.NoteUnapplied("reply-body");
        if (_throttle.MayLog(exchange.Listener, out var more))
        {
            Log.ReplyTooLong(logger, verdict.DecidedBy, id, ReplyTokens.MaxLength, reply.Status, more);
        }

        return tokens.Issue(ReplyRenderer.RenderDefault(verdict)) ?? throw new InvalidOperationException(
            $"the default page of status {reply.Status} does not fit a token of {ReplyTokens.MaxLength} characters");
    }
}
