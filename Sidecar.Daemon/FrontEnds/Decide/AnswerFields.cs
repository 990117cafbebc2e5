using System.Text.Json;
using System.Text.Unicode;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>The parts of an answer that are objects and lists of their own. Values are always text: what agents say is.</summary>
internal static class AnswerFields
{
    // Removals first, then what replaces, then what is added: the order that every adapter can carry out.
    private static readonly (string Word, HeaderOperationKind Kind)[] Operations =
        [("remove", HeaderOperationKind.Remove), ("set", HeaderOperationKind.Set), ("add", HeaderOperationKind.Add)];

    /// <summary>What the client gets, complete, for everything that is not allow; and how a redirect or a challenge was meant.</summary>
    public static void WriteReply(Utf8JsonWriter json, Verdict verdict, bool hasDefaultPage)
    {
        if (verdict.IsAllow)
        {
            json.WriteNull("reply");
            json.WriteNull("redirect");
            json.WriteNull("challenge");
            return;
        }

        var reply = hasDefaultPage ? ReplyRenderer.RenderDefault(verdict) : ReplyRenderer.Render(verdict);
        json.WriteStartObject("reply");
        WriteReply(json, reply);
        json.WriteString("body_encoding", "utf8");
        json.WriteEndObject();
        if (verdict.Decision is RedirectDecision redirect)
        {
            json.WriteStartObject("redirect");
            json.WriteString("url", redirect.Url);
            json.WriteNumber("status", reply.Status);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("redirect");
        }

        if (verdict.Decision is ChallengeDecision challenge)
        {
            json.WriteStartObject("challenge");
            json.WriteString("type", challenge.ChallengeType);
            json.WriteStartObject("params");
            foreach (var (name, value) in challenge.Parameters)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            WriteReply(json, reply);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("challenge");
        }
    }

    private static void WriteReply(Utf8JsonWriter json, Reply reply)
    {
        json.WriteNumber("status", reply.Status);
        json.WriteStartArray("headers");
        foreach (var (name, value) in reply.Headers)
        {
            json.WriteStartArray();
            json.WriteStringValue(name);
            json.WriteStringValue(value);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteString("body", reply.Body.Span);
    }

    /// <summary>Changes of headers.</summary>
    public static void WriteOperations(Utf8JsonWriter json, string name, IReadOnlyList<HeaderEdit> edits)
    {
        json.WriteStartArray(name);
        foreach (var (word, kind) in Operations)
        {
            foreach (var operation in edits.SelectMany(static edit => edit.Operations()).Where(operation => operation.Kind == kind))
            {
                json.WriteStartObject();
                json.WriteString("op", word);
                json.WriteString("name", operation.Name);
                if (kind != HeaderOperationKind.Remove)
                {
                    json.WriteString("value", operation.Value);
                }

                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    }

    /// <summary>The bytes that go on in place of those that were told; null when those do.</summary>
    public static void WriteBody(Utf8JsonWriter json, string name, ReadOnlyMemory<byte>? body, bool asFrame)
    {
        if (body is not { } bytes)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        if (asFrame)
        {
            json.WriteNumber("length", bytes.Length);
        }
        else if (Utf8.IsValid(bytes.Span))
        {
            json.WriteString("data", bytes.Span);
            json.WriteString("encoding", "utf8");
        }
        else
        {
            json.WriteBase64String("data", bytes.Span);
            json.WriteString("encoding", "base64");
        }

        json.WriteEndObject();
    }

    /// <summary>What the agents still want to see; advice.</summary>
    public static void WriteWant(Utf8JsonWriter json, WantedEvents wanted)
    {
        json.WriteStartObject("want");
        json.WriteString("request_body", Word(wanted.RequestBody.Need));
        json.WriteBoolean("response_headers", wanted.ResponseHeaders);
        json.WriteString("response_body", Word(wanted.ResponseBody.Need));
        if (Math.Max(wanted.RequestBody.MaxBytes, wanted.ResponseBody.MaxBytes) is var most and < long.MaxValue)
        {
            json.WriteNumber("max_body", most);
        }
        else
        {
            json.WriteNull("max_body");
        }

        json.WriteEndObject();
    }

    /// <summary>What the agents said, for logs, and the same on one line.</summary>
    public static void WriteAudit(Utf8JsonWriter json, IReadOnlyList<AgentAudit> audits)
    {
        json.WriteStartObject("audit");
        WriteList(json, "rules", audits.SelectMany(static audit => audit.Audit.RuleIds));
        WriteList(json, "tags", audits.SelectMany(static audit => audit.Audit.Tags));
        WriteList(json, "reasons", audits.SelectMany(static audit => audit.Audit.ReasonCodes));
        if (audits.Max(static audit => audit.Audit.Confidence) is { } confidence && float.IsFinite(confidence))
        {
            json.WriteNumber("confidence", confidence);
        }
        else
        {
            json.WriteNull("confidence");
        }

        json.WriteStartArray("agents");
        foreach (var audit in audits)
        {
            json.WriteStartObject();
            json.WriteString("name", audit.Agent);
            json.WriteString("verdict", audit.Said);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("mode", "enforce");
        json.WriteEndObject();
        json.WriteString("audit_line", AuditLine.Write(audits));
    }

    private static void WriteList(Utf8JsonWriter json, string name, IEnumerable<string> items)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStringValue(item);
        }

        json.WriteEndArray();
    }

    private static string Word(BodyNeed need) => need switch { BodyNeed.None => "none", BodyNeed.Stream => "stream", _ => "full" };
}
