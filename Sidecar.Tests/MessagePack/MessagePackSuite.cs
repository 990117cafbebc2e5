using System.Globalization;
using System.Numerics;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

/// <summary>The public MessagePack test suite: values, and every encoding that a reader must take for them, shortest first.</summary>
internal sealed record MessagePackSuite(string Name, JsonElement Value, byte[][] Encodings)
{
    /// <summary>How many values the suite holds; a file that was cut short must not pass for the suite.</summary>
    public const int Count = 85;

    public static IReadOnlyList<MessagePackSuite> Load()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Corpus", "msgpack", "msgpack-test-suite.json");
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        var entries = new List<MessagePackSuite>();
        foreach (JsonProperty group in document.RootElement.EnumerateObject())
        {
            entries.AddRange(group.Value.EnumerateArray().Select((entry, index) => new MessagePackSuite(
                string.Create(CultureInfo.InvariantCulture, $"{group.Name}#{index}"),
                entry.Clone(),
                [.. entry.GetProperty("msgpack").EnumerateArray().Select(hex => FromHex(hex.GetString()!))])));
        }

        return entries;
    }

    /// <summary>A case for each value.</summary>
    public static IEnumerable<TestCaseData> Cases() => Load().Select(entry => new TestCaseData(entry).SetArgDisplayNames(entry.Name));

    /// <summary>The value as a tree; null for numbers, which encodings of several kinds may stand for.</summary>
    public MessagePackNode? ToNode() =>
        Value.TryGetProperty("nil", out _) ? new MessagePackNode(MessagePackKind.Nil, null)
        : Value.TryGetProperty("bool", out JsonElement truth) ? FromJson(truth)
        : Value.TryGetProperty("binary", out JsonElement bytes) ? new MessagePackNode(MessagePackKind.Binary, FromHex(bytes.GetString()!))
        : Value.TryGetProperty("string", out JsonElement text) ? FromJson(text)
        : Value.TryGetProperty("array", out JsonElement array) ? FromJson(array)
        : Value.TryGetProperty("map", out JsonElement map) ? FromJson(map)
        : Value.TryGetProperty("ext", out JsonElement ext) ? MessagePackNode.Extension(ext[0].GetSByte(), FromHex(ext[1].GetString()!))
        : null;

    /// <summary>The number, which may exceed a double or a 64-bit integer; null for values that are none.</summary>
    public string? ToNumber() =>
        Value.TryGetProperty("bignum", out JsonElement big) ? big.GetString()
        : Value.TryGetProperty("number", out JsonElement number) ? number.GetRawText()
        : null;

    public MessagePackTimestamp? ToTimestamp() =>
        Value.TryGetProperty("timestamp", out JsonElement parts) ? new MessagePackTimestamp(parts[0].GetInt64(), parts[1].GetUInt32()) : null;

    public override string ToString() => Name;

    private static byte[] FromHex(string hex) => Convert.FromHexString(hex.Replace("-", string.Empty, StringComparison.Ordinal));

    private static MessagePackNode FromJson(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => new MessagePackNode(MessagePackKind.Boolean, value.GetBoolean()),
        JsonValueKind.String => new MessagePackNode(MessagePackKind.String, value.GetString()),
        JsonValueKind.Number => MessagePackNode.Integer(BigInteger.Parse(value.GetRawText(), CultureInfo.InvariantCulture)),
        JsonValueKind.Array => new MessagePackNode(MessagePackKind.Array, null, [.. value.EnumerateArray().Select(FromJson)]),
        JsonValueKind.Object => new MessagePackNode(
            MessagePackKind.Map,
            null,
            [.. value.EnumerateObject().SelectMany(pair => new[] { new MessagePackNode(MessagePackKind.String, pair.Name), FromJson(pair.Value) })]),
        _ => throw new InvalidDataException($"The suite holds a value of kind {value.ValueKind} that the tests do not know."),
    };
}
