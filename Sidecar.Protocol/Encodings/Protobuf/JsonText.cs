using System.Text.Json;
using Sidecar.Protocol.Encodings.Values;

namespace Sidecar.Protocol.Encodings.Protobuf;

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
