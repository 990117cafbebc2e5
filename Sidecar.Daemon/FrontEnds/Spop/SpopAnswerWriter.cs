using System.Text;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;
using Names = Sidecar.Daemon.FrontEnds.Spop.SpopVariableNames;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// Says a verdict in variables. What does not fit into the frame gives way in this order: the audit line, the page, the reply's other
/// headers, the response's headers.
/// </summary>
/// <remarks>
/// Request headers never give way: a request that cannot be changed as the agents want does not go on. Safe for many answers at once.
/// </remarks>
internal sealed class SpopAnswerWriter(SpopListenerOptions options, LogThrottle throttle, ILogger logger)
{
    private const SpopScope Scope = SpopScope.Transaction;
    private const int StackLimit = 256;

    private readonly NamedHeaders? _named = options.HeaderForm == HeaderForm.Names ? new NamedHeaders(options) : null;

    /// <summary>Writes the actions of an answer between Begin and Finish.</summary>
    /// <returns>The verdict as it was given: failed-closed instead of an allow that cannot be carried out.</returns>
    public Verdict Write(SpopAckWriter ack, NotifyRequest request, SpopAnswer answer, int frameSize)
    {
        var verdict = answer.Verdict;
        if (verdict.IsAllow)
        {
            Begin(ack, request, answer, verdict);
            if (!TryWriteAllow(ack, request, answer, frameSize))
            {
                verdict = Verdict.Refused(Cause.Unapplied, verdict.Audits);
            }
        }

        if (!verdict.IsAllow && !TryWriteReply(ack, request, answer, verdict, frameSize))
        {
            verdict = Verdict.Refused(Cause.Unapplied, verdict.Audits);
            TryWriteReply(ack, request, answer, verdict, frameSize);
        }

        var line = AuditLine.Write(verdict.Audits, ack.MaxBytes(Names.Audit, 0));
        if (line.Length > 0)
        {
            ack.TrySet(Scope, Names.Audit, SpopValue.String(Encoding.ASCII.GetBytes(line)));
        }

        return verdict;
    }

    // These fit into the smallest frame there is.
    private static void Begin(SpopAckWriter ack, NotifyRequest request, SpopAnswer answer, Verdict verdict)
    {
        ack.Begin(request.StreamId, request.FrameId);
        if (request.Phase != SpopPhase.Response)
        {
            TrySetText(ack, Names.Action, verdict.Kind.Label());
        }

        // A message that could not be read may have been either.
        if (request.Phase != SpopPhase.Request)
        {
            TrySetText(ack, Names.ResponseAction, verdict.Kind.Label());
        }

        Span<byte> id = stackalloc byte[answer.Exchange.Id.MaxUtf8Length];
        ack.TrySet(Scope, Names.Id, SpopValue.String(id[..answer.Exchange.Id.WriteUtf8(id)]));
        if (verdict.Cause != Cause.None)
        {
            TrySetText(ack, Names.Cause, verdict.Cause.Label());
        }
    }

    private bool TryWriteAllow(SpopAckWriter ack, NotifyRequest request, SpopAnswer answer, int frameSize)
    {
        if (answer.WantsResponse)
        {
            ack.TrySet(Scope, Names.Response, SpopValue.Boolean(true));
            if (answer.WantsResponseBody)
            {
                ack.TrySet(Scope, Names.ResponseBody, SpopValue.Boolean(true));
            }
        }

        var edits = answer.Verdict.RequestHeaders;
        if (request.Phase == SpopPhase.Response)
        {
            for (var i = 0; i < edits.Count; i++)
            {
                answer.Exchange.NoteUnapplied("request-header-late");
            }
        }
        else if (edits.Count > 0 && !TryWriteRequestHeaders(ack, request, answer, edits, frameSize))
        {
            return false;
        }

        if (answer.ResponseEdits.Count > 0)
        {
            WriteResponseHeaders(ack, request, answer, frameSize);
        }

        return true;
    }

    private bool TryWriteRequestHeaders(
        SpopAckWriter ack, NotifyRequest request, SpopAnswer answer, IReadOnlyList<HeaderEdit> edits, int frameSize)
    {
        if (_named is not null)
        {
            return _named.TryWriteRequest(ack, edits, request.Arguments.Headers, answer.Exchange.NoteUnapplied)
                || answer.Exchange.Route is { RefusesUnapplied: false };
        }

        // HAProxy leaves out a header for which its buffer has no room, and tells nobody.
        var packed = new PackedEdits(edits, request.Arguments.Headers);
        if (packed.Added <= Math.Max(0, SpopBodies.FreeBytes(request.Arguments)) && packed.TryWrite(ack, Names.Request))
        {
            return true;
        }

        NoteUnfit(answer.Exchange, "request-header-size", "the set of request headers", frameSize);
        return false;
    }

    private void WriteResponseHeaders(SpopAckWriter ack, NotifyRequest request, SpopAnswer answer, int frameSize)
    {
        if (_named is not null)
        {
            var came = request.Phase == SpopPhase.Response ? request.Arguments.Headers : null;
            _named.WriteResponse(ack, answer.ResponseEdits, came, answer.Exchange.NoteUnapplied);
            return;
        }

        var packed = new PackedEdits(answer.ResponseEdits);
        if (packed.SizeOf(Names.ResponseHeaders) > ack.Free || !packed.TryWrite(ack, Names.ResponseHeaders))
        {
            NoteUnfit(answer.Exchange, "response-header-size", "the set of response headers", frameSize);
        }
    }

    /// <summary>What the client gets. A response that we refuse is in its eyes the upstream's failure, not its own.</summary>
    public static Reply Render(SpopPhase phase, Verdict verdict)
    {
        var reply = ReplyRenderer.Render(verdict);
        return phase == SpopPhase.Response && verdict is { Kind: VerdictKind.FailedClosed, Cause: not Cause.Timeout }
            ? reply with { Status = 502, Body = DefaultPage.For(502) }
            : reply;
    }

    private bool TryWriteReply(SpopAckWriter ack, NotifyRequest request, SpopAnswer answer, Verdict verdict, int frameSize)
    {
        Begin(ack, request, answer, verdict);
        if (request.Phase == SpopPhase.Response)
        {
            // What the request's verdict wanted of the upstream's response is not for the page that replaces it.
            var lists = Names.ResponseHeaders;
            ack.TryUnset(Scope, lists.Delete);
            ack.TryUnset(Scope, lists.Set);
            ack.TryUnset(Scope, lists.Add);
        }

        var reply = Render(request.Phase, verdict);
        var rest = reply.Headers.Where(static header => header.Key is not ("content-type" or "location" or "www-authenticate")).ToList();
        if (!ack.TrySet(Scope, Names.Status, SpopValue.UInt32((uint)reply.Status))
            || !TrySetHeader(ack, Names.Location, reply, "location")
            || !TrySetHeader(ack, Names.Challenge, reply, "www-authenticate"))
        {
            NoteUnfit(answer.Exchange, "reply-header", "the reply", frameSize);
            return false;
        }

        WriteRest(ack, rest, answer.Exchange, frameSize);
        WritePage(ack, reply, answer.Exchange, frameSize);
        return true;
    }

    private void WriteRest(SpopAckWriter ack, List<KeyValuePair<string, string>> rest, Exchange exchange, int frameSize)
    {
        if (_named is not null)
        {
            // The configuration says both by itself.
            foreach (var _ in rest.Where(static header => header.Key is not ("cache-control" or "retry-after")))
            {
                exchange.NoteUnapplied("reply-header");
            }

            return;
        }

        var list = new PackedEdits([.. rest.GroupBy(static header => header.Key, StringComparer.Ordinal)
            .Select(static group => new HeaderEdit(group.Key, KeepOriginal: true, [.. group.Select(static header => header.Value)]))]);
        if (!list.TryWrite(ack, new EditLists(default, default, Names.ReplyHeaders)))
        {
            NoteUnfit(exchange, "reply-header", "the set of headers of the reply", frameSize);
        }
    }

    private void WritePage(SpopAckWriter ack, Reply reply, Exchange exchange, int frameSize)
    {
        var type = reply.Headers.FirstOrDefault(static header => header.Key == "content-type").Value;
        if (type is null || TryWritePage(ack, type, reply.Body.Span))
        {
            return;
        }

        NoteUnfit(exchange, "reply-body", $"the page of {reply.Body.Length} bytes", frameSize);
        TryWritePage(ack, DefaultPage.ContentType, DefaultPage.For(reply.Status).Span);
    }

    private static bool TryWritePage(SpopAckWriter ack, string type, ReadOnlySpan<byte> body)
    {
        var contentType = Encoding.UTF8.GetBytes(type);
        if (body.Length > ack.MaxBytes(Names.Body, SpopAckWriter.SizeOfSet(Names.ContentType, SpopValue.String(contentType))))
        {
            return false;
        }

        ack.TrySet(Scope, Names.ContentType, SpopValue.String(contentType));
        ack.TrySet(Scope, Names.Body, SpopValue.String(body));
        return true;
    }

    private static bool TrySetHeader(SpopAckWriter ack, ReadOnlySpan<byte> variable, Reply reply, string name)
    {
        var value = reply.Headers.FirstOrDefault(header => header.Key == name).Value;
        return value is null || TrySetText(ack, variable, value);
    }

    private static bool TrySetText(SpopAckWriter ack, ReadOnlySpan<byte> variable, string text)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        var utf8 = most <= StackLimit ? stackalloc byte[StackLimit] : new byte[most];
        return ack.TrySet(Scope, variable, SpopValue.String(utf8[..Encoding.UTF8.GetBytes(text, utf8)]));
    }

    private void NoteUnfit(Exchange exchange, string operation, string what, int frameSize)
    {
        exchange.NoteUnapplied(operation);
        if (throttle.MayLog("fit", out var more))
        {
            Log.DoesNotFit(logger, options.Name, what, exchange.Id.ToString(), frameSize, more);
        }
    }
}

/// <summary>What is answered to one NOTIFY.</summary>
internal sealed record SpopAnswer(Exchange Exchange, Verdict Verdict)
{
    /// <summary>Whether HAProxy is to ask about the response too.</summary>
    public bool WantsResponse { get; init; }

    /// <summary>Whether the response's body is wanted too.</summary>
    public bool WantsResponseBody { get; init; }

    /// <summary>All changes of the response's headers so far.</summary>
    public IReadOnlyList<HeaderEdit> ResponseEdits { get; init; } = Verdict.ResponseHeaders;
}
