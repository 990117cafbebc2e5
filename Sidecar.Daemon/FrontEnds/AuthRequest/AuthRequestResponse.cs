using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
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

/// <summary>
/// Names of the headers in the answers to questions. Those that a proxy may copy are always present, empty when there is nothing to say: it
/// must not keep an old or a client's value.
/// </summary>
internal static class AnswerHeaders
{
    /// <summary>Our id of the exchange.</summary>
    public const string Id = "X-Sidecar-Id";

    /// <summary><c>allow</c>, <c>block</c>, <c>redirect</c>, <c>challenge</c> or <c>failed-closed</c>.</summary>
    public const string Action = "X-Sidecar-Action";

    /// <summary>The token of the reply; empty on allow.</summary>
    public const string Reply = "X-Sidecar-Reply";

    /// <summary>What the agents said; see <see cref="AuditLine"/>.</summary>
    public const string Audit = "X-Sidecar-Audit";

    /// <summary>Why an agent was not heard; empty when all were.</summary>
    public const string Cause = "X-Sidecar-Cause";

    /// <summary>
    /// The same for proxies that copy headers under the names they have: why a request passes without having been inspected as it should.
    /// </summary>
    public const string Bypassed = "X-Sidecar-Bypassed";

    /// <summary>The status that was asked for, where the proxy would take it for something else than a refusal.</summary>
    public const string Status = "X-Sidecar-Status";

    /// <summary>What a proxy on a TCP listener proves itself with. In questions only.</summary>
    public const string Secret = "X-Sidecar-Secret";

    /// <summary>Envoy's list of request headers to remove (proxy integration §3.6).</summary>
    public const string EnvoyRemove = "x-envoy-auth-headers-to-remove";

    /// <summary>Followed by the name of a request header.</summary>
    public const string RequestPrefix = "X-Sidecar-Request-";

    /// <summary>Followed by the name of a response header.</summary>
    public const string ResponsePrefix = "X-Sidecar-Response-";
}
