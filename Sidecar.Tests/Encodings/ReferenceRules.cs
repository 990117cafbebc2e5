using System.Numerics;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Encodings;

/// <summary>
/// What the decoder of the reference's agents asks of an event (spec §4). One that it cannot decode it answers with allow, under the event's own id: nobody
/// would notice.
/// </summary>
/// <remarks>
/// Stricter than it in one thing: a member that it does not know is an error too, because an option that is misspelt is lost as silently. The one
/// that we add, <c>has_body</c>, it skips.
/// </remarks>
internal static class ReferenceRules
{
    private delegate string? Rule(StrictNode node);

    private static readonly Rule Text = Of(StrictKind.Text);
    private static readonly Rule Boolean = Of(StrictKind.Boolean);
    private static readonly Rule U16 = Within(ushort.MaxValue);
    private static readonly Rule U32 = Within(uint.MaxValue);
    private static readonly Rule U64 = Within(ulong.MaxValue);
    private static readonly Rule Headers = Map(List(Text));

    private static readonly Dictionary<string, Rule> Metadata = new(StringComparer.Ordinal)
    {
        ["correlation_id"] = Text,
        ["request_id"] = Text,
        ["client_ip"] = Text,
        ["client_port"] = U16,
        ["server_name?"] = Text,
        ["protocol"] = Text,
        ["tls_version?"] = Text,
        ["tls_cipher?"] = Text,
        ["route_id?"] = Text,
        ["upstream_id?"] = Text,
        ["timestamp"] = Text,
        ["traceparent?"] = Text,
    };

    private static readonly Dictionary<MessageType, Dictionary<string, Rule>> Events = new()
    {
        [MessageType.RequestHeaders] = new(StringComparer.Ordinal)
        {
            ["correlation_id"] = Text,
            ["metadata"] = Struct(Metadata),
            ["method"] = Text,
            ["uri"] = Text,
            ["headers"] = Headers,
            ["has_body?"] = Boolean,
        },
        [MessageType.RequestBodyChunk] = Chunk("bytes_received"),
        [MessageType.ResponseHeaders] = new(StringComparer.Ordinal) { ["correlation_id"] = Text, ["status"] = U16, ["headers"] = Headers },
        [MessageType.ResponseBodyChunk] = Chunk("bytes_sent"),
        [MessageType.RequestComplete] = new(StringComparer.Ordinal)
        {
            ["correlation_id"] = Text,
            ["status"] = U16,
            ["duration_ms"] = U64,
            ["request_body_size"] = U64,
            ["response_body_size"] = U64,
            ["upstream_attempts"] = U32,
            ["error?"] = Text,
        },
        [MessageType.WebSocketFrame] = new(StringComparer.Ordinal)
        {
            ["correlation_id"] = Text,
            ["opcode"] = OneOf("continuation", "text", "binary", "close", "ping", "pong"),
            ["data"] = Base64,
            ["client_to_server"] = Boolean,
            ["frame_index"] = U64,
            ["fin"] = Boolean,
            ["route_id?"] = Text,
            ["client_ip"] = Text,
        },
        [MessageType.GuardrailInspect] = new(StringComparer.Ordinal)
        {
            ["correlation_id"] = Text,
            ["inspection_type"] = OneOf("prompt_injection", "pii_detection"),
            ["content"] = Text,
            ["model?"] = Text,
            ["categories"] = List(Text),
            ["route_id?"] = Text,
            ["metadata"] = Map(Text),
        },
        [MessageType.Configure] = new(StringComparer.Ordinal) { ["correlation_id"] = Text, ["config?"] = Free, ["config_version?"] = Text },
    };

    /// <summary>Why the reference would not decode a payload of ours; null when it would.</summary>
    public static string? Problem(MessageType type, byte[] payload, bool isJson)
    {
        try
        {
            return Struct(Events[type])(StrictNode.Read(payload, isJson));
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    // Of a name with a mark the value may be missing or nil.
    private static Rule Struct(Dictionary<string, Rule> members) => node =>
    {
        if (Doubles(node) is { } problem)
        {
            return problem;
        }

        var given = node.Members!.ToDictionary(static member => member.Key, static member => member.Value, StringComparer.Ordinal);
        foreach (var (name, rule) in members)
        {
            var key = name.TrimEnd('?');
            var isOptional = key.Length < name.Length;
            if (!given.Remove(key, out var value))
            {
                if (!isOptional)
                {
                    return $"{key} is missing";
                }
            }
            else if (!(isOptional && value.Kind == StrictKind.Nil) && rule(value) is { } why)
            {
                return $"{key}: {why}";
            }
        }

        return given.Count == 0 ? null : $"{string.Join(", ", given.Keys)}: no member of the reference's";
    };

    private static Dictionary<string, Rule> Chunk(string count) => new(StringComparer.Ordinal)
    {
        ["correlation_id"] = Text,
        ["data"] = Base64,
        ["is_last"] = Boolean,
        ["total_size?"] = U64,
        ["chunk_index"] = U32,
        [count] = U64,
    };

    private static Rule Of(StrictKind kind) => node => node.Kind == kind ? null : $"is {node.Kind}, not {kind}";

    private static Rule Within(ulong most) => node =>
        node is { Kind: StrictKind.Integer, Value: BigInteger value } && value >= 0 && value <= most ? null : $"is {node.Kind} {node.Value}, not an integer up to {most}";

    private static Rule OneOf(params string[] names) => node => node.Kind == StrictKind.Text && names.Contains((string)node.Value!) ? null : $"is {node.Value}, none of {string.Join(' ', names)}";

    private static Rule List(Rule item) =>
        node => node.Kind != StrictKind.Array ? $"is {node.Kind}, not an array" : node.Items!.Select(value => item(value)).FirstOrDefault(static why => why is not null);

    private static Rule Map(Rule value) =>
        node => Doubles(node) ?? node.Members!.Select(member => value(member.Value)).FirstOrDefault(static why => why is not null);

    // A doubled key of a struct is no event at all, one of a map loses what came first.
    private static string? Doubles(StrictNode node) => node.Kind != StrictKind.Map ? $"is {node.Kind}, not a map"
        : node.Members!.GroupBy(static member => member.Key, StringComparer.Ordinal).FirstOrDefault(static group => group.Skip(1).Any()) is { } twice ? $"'{twice.Key}' stands twice"
        : null;

    private static string? Base64(StrictNode node)
    {
        if (node is not { Kind: StrictKind.Text, Value: string text })
        {
            return $"is {node.Kind}, not base64 text";
        }

        return Convert.TryFromBase64String(text, new byte[text.Length], out _) && text.Length % 4 == 0 && !text.Any(char.IsWhiteSpace) ? null : "is no base64 with padding";
    }

    private static string? Free(StrictNode node) => node.Kind switch
    {
        StrictKind.Bytes => "is bin, which no JSON value is",
        StrictKind.Float when !double.IsFinite((double)node.Value!) => "is a number without a value",
        StrictKind.Array => node.Items!.Select(Free).FirstOrDefault(static why => why is not null),
        StrictKind.Map => node.Members!.Select(static member => Free(member.Value)).FirstOrDefault(static why => why is not null),
        _ => null,
    };
}
