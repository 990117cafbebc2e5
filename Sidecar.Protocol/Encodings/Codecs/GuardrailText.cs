using System.Text;
using Json = Sidecar.Protocol.Encodings.Codecs.Codec<
    Sidecar.Protocol.Encodings.Values.JsonValueReader, Sidecar.Protocol.Encodings.Values.JsonValueWriter>;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>A guardrail's findings as JSON text, whatever the encoding of the answer around it (spec §5.5).</summary>
internal static class GuardrailText
{
    /// <summary>Where form 1 of a guardrail answer stands (spec §5.5).</summary>
    internal const string Key = "guardrail_response";

    /// <summary>Reads the JSON text of form 1.</summary>
    internal static GuardrailResponse Read(string json)
    {
        var r = new JsonValueReader(Encoding.UTF8.GetBytes(json)) { Member = Key };
        var response = Json.Findings.Read(ref r);
        r.End();
        return response;
    }

    /// <summary>Reads form 2: an object, or a string with its JSON text.</summary>
    internal static GuardrailResponse Read(JsonElement value) =>
        Read(value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : value.GetRawText());

    /// <summary>The JSON text of form 1.</summary>
    internal static string Write(GuardrailResponse response)
    {
        // Its own writer, for the one of this thread is in use by the answer around it.
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            var w = new JsonValueWriter(json);
            Json.Findings.Write(ref w, response);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
