using System.Text.Json;
using NUnit.Framework;

namespace Sidecar.Tests.Encodings;

/// <summary>The public MessagePack test suite: values, and every encoding that a reader must take for them.</summary>
internal sealed record MessagePackSuite(string Name, JsonElement Value, byte[][] Encodings)
{
    /// <summary>How many values the suite holds; a file that was cut short must not pass for the suite.</summary>
    public const int Count = 85;

    /// <summary>The value, where JSON has one.</summary>
    public JsonElement? Json =>
        Value.TryGetProperty("nil", out var json) || Value.TryGetProperty("bool", out json) || Value.TryGetProperty("string", out json)
        || Value.TryGetProperty("array", out json) || Value.TryGetProperty("map", out json) ? json
        : Value.TryGetProperty("bignum", out json) ? JsonElement.Parse(json.GetString()!)
        : Value.TryGetProperty("number", out json) ? json
        : null;

    /// <summary>The value, where it is bytes; extensions and timestamps are neither.</summary>
    public byte[]? Binary => Value.TryGetProperty("binary", out var bytes) ? FromHex(bytes.GetString()!) : null;

    public static IReadOnlyList<MessagePackSuite> Load() =>
    [
        .. JsonElement.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Corpus", "msgpack", "msgpack-test-suite.json")))
            .EnumerateObject().SelectMany(static group => group.Value.EnumerateArray().Select((entry, index) => new MessagePackSuite(
                $"{group.Name}#{index}", entry, [.. entry.GetProperty("msgpack").EnumerateArray().Select(hex => FromHex(hex.GetString()!))]))),
    ];

    /// <summary>A case for each value.</summary>
    public static IEnumerable<TestCaseData> Cases() => Load().Select(static entry => new TestCaseData(entry).SetArgDisplayNames(entry.Name));

    public override string ToString() => Name;

    private static byte[] FromHex(string hex) => Convert.FromHexString(hex.Replace("-", "", StringComparison.Ordinal));
}
