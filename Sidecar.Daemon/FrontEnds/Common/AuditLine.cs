using System.Buffers;
using System.Text;
using System.Text.Json;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>What the agents said, as one line of ASCII JSON that a proxy can carry in a header and write to its access log.</summary>
/// <remarks>
/// <c>{"agents":[{"agent":"waf","said":"block","rules":["942100"],"tags":["sqli"],"reasons":["score"],"confidence":0.9}]}</c>. Empty lists
/// are left out. What does not fit is left out by whole entries: first an agent's later rules, tags and reasons (<c>"cut":true</c>), then
/// whole agents (<c>"omitted":2</c>). The line is valid JSON always.
/// </remarks>
internal static class AuditLine
{
    /// <summary>Longest line in bytes; with the reply token it has to fit a proxy's header buffer.</summary>
    public const int MaxLength = 1024;

    private const string Head = """{"agents":[""";

    // "]", the longest count of agents left out, and "}".
    private const int TailLength = 24;

    /// <summary>The line; empty when nobody said anything worth a record, or when there is no room for a line at all.</summary>
    /// <param name="audits">What was said, in route order.</param>
    /// <param name="maxLength">Most bytes, where there is less room than usual.</param>
    public static string Write(IReadOnlyList<AgentAudit> audits, int maxLength = MaxLength)
    {
        if (audits.Count == 0 || maxLength < Head.Length + TailLength)
        {
            return "";
        }

        var line = new StringBuilder(Head, MaxLength);
        var omitted = 0;
        foreach (var audit in audits)
        {
            if (EntryFor(audit, Math.Min(maxLength, MaxLength) - TailLength - line.Length - 1) is not { } entry)
            {
                omitted++;
                continue;
            }

            if (line.Length > Head.Length)
            {
                line.Append(',');
            }

            line.Append(entry);
        }

        line.Append(']');
        if (omitted > 0)
        {
            line.Append(",\"omitted\":").Append(omitted);
        }

        return line.Append('}').ToString();
    }

    // With as many rules, tags and reasons as there is room for: half as many at each attempt.
    private static string? EntryFor(AgentAudit audit, int room)
    {
        var items = Math.Max(audit.Audit.RuleIds.Count, Math.Max(audit.Audit.Tags.Count, audit.Audit.ReasonCodes.Count));

        // An item is at least three bytes long, so this many cannot fit; without it a list of a million would be written twenty times.
        for (var kept = Math.Min(items, MaxLength / 3); ; kept /= 2)
        {
            var entry = Render(audit, kept, isCut: kept < items);
            if (entry.Length <= room || kept == 0)
            {
                return entry.Length <= room ? entry : null;
            }
        }
    }

    // The default encoder escapes everything but plain ASCII, so lengths in chars are lengths in bytes.
    private static string Render(AgentAudit audit, int kept, bool isCut)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("agent", audit.Agent);
        json.WriteString("said", audit.Said);
        WriteList(json, "rules", audit.Audit.RuleIds, kept);
        WriteList(json, "tags", audit.Audit.Tags, kept);
        WriteList(json, "reasons", audit.Audit.ReasonCodes, kept);
        if (audit.Audit.Confidence is { } confidence && float.IsFinite(confidence))
        {
            json.WriteNumber("confidence", confidence);
        }

        if (isCut)
        {
            json.WriteBoolean("cut", value: true);
        }

        json.WriteEndObject();
        json.Flush();
        return Encoding.ASCII.GetString(buffer.WrittenSpan);
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> items, int kept)
    {
        if (items.Count == 0 || kept == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        for (var i = 0; i < Math.Min(kept, items.Count); i++)
        {
            json.WriteStringValue(items[i]);
        }

        json.WriteEndArray();
    }
}
