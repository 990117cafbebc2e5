using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// A decision as it is written (proxy integration §6.3). Every field is always there, null where there is nothing to say.
/// </summary>
internal sealed record AnswerDocument
{
    public int V { get; } = 1;

    public required string? Tx { get; init; }

    public required string Id { get; init; }

    public required string Action { get; init; }

    /// <summary>What the client gets, complete, for everything that is not allow.</summary>
    public required ReplyDocument? Reply { get; init; }

    /// <summary>How a redirect was meant.</summary>
    public required RedirectDocument? Redirect { get; init; }

    /// <summary>How a challenge was meant.</summary>
    public required ChallengeDocument? Challenge { get; init; }

    public required IEnumerable<HeaderDocument> RequestHeaders { get; init; }

    public required IEnumerable<HeaderDocument> ResponseHeaders { get; init; }

    /// <summary>The bytes that go on in place of those that were told; null when those do.</summary>
    public required BodyDocument? RequestBody { get; init; }

    public required BodyDocument? ResponseBody { get; init; }

    /// <summary>Whether the bytes come behind; only of frames.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required bool? BodyFollows { get; init; }

    /// <summary>What the agents still want to see; advice.</summary>
    public required WantDocument Want { get; init; }

    /// <summary>What the agents said, for logs, and the same on one line.</summary>
    public required AuditDocument Audit { get; init; }

    public required string AuditLine { get; init; }

    public int TtlMs { get; }

    public required bool Degraded { get; init; }

    public required string? Fallback { get; init; }

    public required string? Cause { get; init; }
}

/// <summary>What the client gets.</summary>
internal sealed record ReplyDocument(int Status, IEnumerable<string[]> Headers, BodyText Body, string BodyEncoding = "utf8")
{
    /// <summary>The headers of a reply, each with its value.</summary>
    public static IEnumerable<string[]> HeadersOf(Reply reply) =>
        reply.Headers.Select(static header => (string[])[header.Key, header.Value]);
}

/// <summary>A redirect.</summary>
internal sealed record RedirectDocument(string Url, int Status);

/// <summary>A challenge, and the reply that makes it.</summary>
internal sealed record ChallengeDocument(
    string Type, IReadOnlyDictionary<string, string> Params, int Status, IEnumerable<string[]> Headers, BodyText Body);

/// <summary>A change of a header.</summary>
internal sealed record HeaderDocument(
    string Op, string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Value);

/// <summary>A body: its length where it comes behind, else its bytes and how they are written.</summary>
internal sealed record BodyDocument(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Length,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] BodyText? Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Encoding);

/// <summary>What the agents want of the rest.</summary>
internal sealed record WantDocument(string RequestBody, bool ResponseHeaders, string ResponseBody, long? MaxBody);

/// <summary>What the agents said.</summary>
internal sealed record AuditDocument(
    IEnumerable<string> Rules,
    IEnumerable<string> Tags,
    IEnumerable<string> Reasons,
    float? Confidence,
    IEnumerable<SaidDocument> Agents,
    string Mode = "enforce");

/// <summary>The word of one agent.</summary>
internal sealed record SaidDocument(string Name, string Verdict);

/// <summary>An answer without a decision.</summary>
internal sealed record FailureDocument(FailureText Error);

/// <summary>Why there is none.</summary>
internal sealed record FailureText(string Code, string Message);

/// <summary>Bytes that stand in JSON as the text that they are, or in base64.</summary>
[JsonConverter(typeof(Converter))]
internal sealed record BodyText(ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Whether they are text.</summary>
    public bool IsText => Utf8.IsValid(Bytes.Span);

    internal sealed class Converter : JsonConverter<BodyText>
    {
        public override BodyText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, BodyText value, JsonSerializerOptions options)
        {
            if (value.IsText)
            {
                writer.WriteStringValue(value.Bytes.Span);
            }
            else
            {
                writer.WriteBase64StringValue(value.Bytes.Span);
            }
        }
    }
}

/// <summary>How answers are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AnswerDocument))]
[JsonSerializable(typeof(FailureDocument))]
internal sealed partial class AnswerJson : JsonSerializerContext;
