using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>Writes answers (proxy integration §6.3). Every field is always there, null where there is nothing to say.</summary>
internal static class AnswerWriter
{
    // Nothing of this ends up in a page unseen: escaping '<' would only make replies longer than a proxy's buffer for them.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes an answer in either form.</summary>
    /// <param name="output">Empty.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="asFrame">Whether in the binary form.</param>
    /// <param name="maxRefusal">Longest refusal in JSON; of a longer one the default page is written.</param>
    public static void WriteAs(ArrayBufferWriter<byte> output, Answer answer, bool asFrame, int maxRefusal)
    {
        if (asFrame)
        {
            WriteFrame(output, answer);
            return;
        }

        Write(output, answer);
        if (output.WrittenCount > maxRefusal && answer.Relayed is null && !answer.Verdict.IsAllow)
        {
            answer.HasDefaultPage = true;
            output.ResetWrittenCount();
            Write(output, answer);
        }
    }

    /// <summary>Writes an answer as JSON.</summary>
    public static void Write(IBufferWriter<byte> output, Answer answer)
    {
        if (answer.Relayed is { } relayed)
        {
            output.Write(relayed.Span);
            return;
        }

        Write(output, answer, asFrame: false);
    }

    /// <summary>
    /// Writes an answer as a frame: u32be length, JSON; and if that says <c>"body_follows": true</c>, u32be length and the bytes of the body.
    /// </summary>
    public static void WriteFrame(ArrayBufferWriter<byte> output, Answer answer)
    {
        if (answer.Relayed is { } relayed)
        {
            output.Write(relayed.Span);
            return;
        }

        var head = new ArrayBufferWriter<byte>(1024);
        Write(head, answer, asFrame: true);
        WriteLength(output, head.WrittenCount);
        output.Write(head.WrittenSpan);
        if (answer.Body is { } body && answer.Error is null)
        {
            WriteLength(output, body.Length);
            output.Write(body.Span);
        }
    }

    private static void Write(IBufferWriter<byte> output, Answer answer, bool asFrame)
    {
        using var json = new Utf8JsonWriter(output, Plain);
        json.WriteStartObject();
        if (answer.Error is { } error)
        {
            json.WriteStartObject("error");
            json.WriteString("code", error.Code);
            json.WriteString("message", error.Message);
            json.WriteEndObject();
        }
        else
        {
            WriteDecision(json, answer, asFrame);
        }

        json.WriteEndObject();
    }

    private static void WriteDecision(Utf8JsonWriter json, Answer answer, bool asFrame)
    {
        var (verdict, cause) = (answer.Verdict, answer.Cause);
        json.WriteNumber("v", 1);
        json.WriteString("tx", answer.Tx);
        json.WriteString("id", answer.Exchange!.Id.ToString());
        json.WriteString("action", verdict switch
        {
            { IsAllow: true } => answer.Continues ? "continue" : "allow",
            { Decision: RedirectDecision } => "redirect",
            { Decision: ChallengeDecision } => "challenge",
            _ => "block",
        });
        AnswerFields.WriteReply(json, verdict, answer.HasDefaultPage);
        AnswerFields.WriteOperations(json, "request_headers", verdict.IsAllow ? verdict.RequestHeaders : []);
        AnswerFields.WriteOperations(json, "response_headers", verdict.IsAllow ? verdict.ResponseHeaders : []);
        AnswerFields.WriteBody(json, "request_body", answer.Direction == Direction.Request ? answer.Body : null, asFrame);
        AnswerFields.WriteBody(json, "response_body", answer.Direction == Direction.Response ? answer.Body : null, asFrame);
        if (asFrame)
        {
            json.WriteBoolean("body_follows", answer.Body is not null);
        }

        AnswerFields.WriteWant(json, answer.Wanted);
        AnswerFields.WriteAudit(json, verdict.Audits);
        json.WriteNumber("ttl_ms", 0);
        json.WriteBoolean("degraded", cause != Cause.None);
        json.WriteString("fallback", cause == Cause.None ? null : verdict.IsAllow ? "open" : "closed");
        json.WriteString("cause", cause == Cause.None ? null : cause.Label());
    }

    private static void WriteLength(ArrayBufferWriter<byte> output, int length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(output.GetSpan(sizeof(uint)), (uint)length);
        output.Advance(sizeof(uint));
    }
}
