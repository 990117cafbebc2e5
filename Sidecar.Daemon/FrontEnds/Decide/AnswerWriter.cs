using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>Writes answers.</summary>
internal static class AnswerWriter
{
    // Nothing of this ends up in a page unseen: escaping '<' would only make replies longer than a proxy's buffer for them.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Removals first, then what replaces, then what is added: the order that every adapter can carry out.
    private static readonly (string Word, HeaderOperationKind Kind)[] Operations =
        [("remove", HeaderOperationKind.Remove), ("set", HeaderOperationKind.Set), ("add", HeaderOperationKind.Add)];

    /// <summary>Writes an answer, with a default page in place of an agent's that is too long.</summary>
    /// <param name="output">Empty.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="asFrame">Whether in the binary form.</param>
    /// <param name="maxRefusal">Longest refusal in JSON.</param>
    public static void WriteWithin(ArrayBufferWriter<byte> output, Answer answer, bool asFrame, int maxRefusal)
    {
        Write(output, answer, asFrame);
        if (!asFrame && output.WrittenCount > maxRefusal && answer.Relayed is null && !answer.Verdict.IsAllow)
        {
            answer.HasDefaultPage = true;
            output.ResetWrittenCount();
            Write(output, answer);
        }
    }

    /// <summary>
    /// Writes an answer as JSON, or as a frame: u32be length, JSON; and if that says <c>"body_follows": true</c>, u32be length and the
    /// bytes of the body.
    /// </summary>
    public static void Write(ArrayBufferWriter<byte> output, Answer answer, bool asFrame = false)
    {
        if (answer.Relayed is { } relayed)
        {
            output.Write(relayed.Span);
            return;
        }

        if (!asFrame)
        {
            WriteJson(output, answer, asFrame);
            return;
        }

        var head = new ArrayBufferWriter<byte>(1024);
        WriteJson(head, answer, asFrame);
        WriteWithLength(output, head.WrittenSpan);
        if (answer.Body is { } body && answer.Error is null)
        {
            WriteWithLength(output, body.Span);
        }
    }

    private static void WriteJson(ArrayBufferWriter<byte> output, Answer answer, bool asFrame)
    {
        using var json = new Utf8JsonWriter(output, Plain);
        if (answer.Error is { } error)
        {
            JsonSerializer.Serialize(
                json, new FailureDocument(new FailureText(error.Code, error.Message)), AnswerJson.Default.FailureDocument);
        }
        else
        {
            JsonSerializer.Serialize(json, Decision(answer, asFrame), AnswerJson.Default.AnswerDocument);
        }
    }

    private static AnswerDocument Decision(Answer answer, bool asFrame)
    {
        var (verdict, cause) = (answer.Verdict, answer.Cause);
        var reply = verdict.IsAllow ? null : answer.HasDefaultPage ? ReplyRenderer.RenderDefault(verdict) : ReplyRenderer.Render(verdict);
        var body = answer.Body is { } bytes ? Body(bytes, asFrame) : null;
        return new AnswerDocument
        {
            Tx = answer.Tx,
            Id = answer.Exchange!.Id.ToString(),
            Action = verdict switch
            {
                { IsAllow: true } => answer.Continues ? "continue" : "allow",
                { Decision: RedirectDecision } => "redirect",
                { Decision: ChallengeDecision } => "challenge",
                _ => "block",
            },
            Reply = reply is null ? null : new(reply.Status, ReplyDocument.HeadersOf(reply), new BodyText(reply.Body)),
            Redirect = reply is not null && verdict.Decision is RedirectDecision redirect ? new(redirect.Url, reply.Status) : null,
            Challenge = reply is not null && verdict.Decision is ChallengeDecision challenge
                ? new(challenge.ChallengeType, challenge.Parameters, reply.Status, ReplyDocument.HeadersOf(reply), new BodyText(reply.Body))
                : null,
            RequestHeaders = verdict.IsAllow ? Headers(verdict.RequestHeaders) : [],
            ResponseHeaders = verdict.IsAllow ? Headers(verdict.ResponseHeaders) : [],
            RequestBody = answer.Direction == Direction.Request ? body : null,
            ResponseBody = answer.Direction == Direction.Response ? body : null,
            BodyFollows = asFrame ? body is not null : null,
            Want = Want(answer.Wanted),
            Audit = Audit(verdict.Audits),
            AuditLine = AuditLine.Write(verdict.Audits),
            Degraded = cause != Cause.None,
            Fallback = cause == Cause.None ? null : verdict.IsAllow ? "open" : "closed",
            Cause = cause == Cause.None ? null : cause.Label(),
        };
    }

    private static BodyDocument Body(ReadOnlyMemory<byte> bytes, bool asFrame)
    {
        var text = new BodyText(bytes);
        return asFrame ? new(bytes.Length, null, null) : new(null, text, text.IsText ? "utf8" : "base64");
    }

    private static IEnumerable<HeaderDocument> Headers(IReadOnlyList<HeaderEdit> edits) =>
        from place in Operations
        from operation in edits.SelectMany(static edit => edit.Operations())
        where operation.Kind == place.Kind
        select new HeaderDocument(place.Word, operation.Name, place.Kind == HeaderOperationKind.Remove ? null : operation.Value);

    private static WantDocument Want(WantedEvents wanted) => new(
        Word(wanted.RequestBody.Need),
        wanted.ResponseHeaders,
        Word(wanted.ResponseBody.Need),
        Math.Max(wanted.RequestBody.MaxBytes, wanted.ResponseBody.MaxBytes) is var most and < long.MaxValue ? most : null);

    private static AuditDocument Audit(IReadOnlyList<AgentAudit> audits) => new(
        audits.SelectMany(static audit => audit.Audit.RuleIds),
        audits.SelectMany(static audit => audit.Audit.Tags),
        audits.SelectMany(static audit => audit.Audit.ReasonCodes),
        audits.Max(static audit => audit.Audit.Confidence) is { } confidence && float.IsFinite(confidence) ? confidence : null,
        audits.Select(static audit => new SaidDocument(audit.Agent, audit.Said)));

    private static string Word(BodyNeed need) => need switch { BodyNeed.None => "none", BodyNeed.Stream => "stream", _ => "full" };

    private static void WriteWithLength(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(sizeof(int)), bytes.Length);
        output.Advance(sizeof(int));
        output.Write(bytes);
    }
}
