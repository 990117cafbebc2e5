using Google.Protobuf.Collections;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Sets fields that may be absent: their setters take no null. Each returns the message.</summary>
internal static class Optional
{
    public static TWire Set<TWire, T>(TWire wire, T? value, Action<TWire, T> set)
        where T : class
    {
        if (value is not null)
        {
            set(wire, value);
        }

        return wire;
    }

    public static TWire Set<TWire, T>(TWire wire, T? value, Action<TWire, T> set)
        where T : struct
    {
        if (value is { } known)
        {
            set(wire, known);
        }

        return wire;
    }

    /// <summary>A map of texts as it was meant.</summary>
    public static IReadOnlyDictionary<string, string> TextMap(MapField<string, string> fields) =>
        fields.Count == 0 ? EmptyMap.OfStrings : fields.ToDictionary(StringComparer.Ordinal);
}

/// <summary>Free JSON values, which on this wire are texts.</summary>
internal static class JsonText
{
    /// <summary>The text of a value; of JSON's null when there is none.</summary>
    public static string Of(JsonElement? value) => value is { ValueKind: not JsonValueKind.Undefined } json ? json.GetRawText() : "null";

    /// <summary>The value of a text; null for none, and for JSON's null.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static JsonElement? Parse(string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        using var document = JsonDocument.Parse(text);
        return document.RootElement.ValueKind == JsonValueKind.Null ? null : FreeJson.Repaired(document.RootElement.Clone());
    }
}
