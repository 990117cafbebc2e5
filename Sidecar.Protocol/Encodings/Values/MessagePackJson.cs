using System.Globalization;
using System.Text;
using System.Text.Unicode;
using MessagePack;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Free values between MessagePack and JSON (spec §4.2, "free JSON value").</summary>
/// <remarks>
/// JSON has no form for NaN and infinities, which become null, for bytes that are no text, which become base64, and for keys that are
/// numbers.
/// </remarks>
internal static class MessagePackJson
{
    private static readonly JsonWriterOptions Options = new() { SkipValidation = true };

    internal static JsonElement Read(ref MessagePackReader reader)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            Copy(ref reader, json);
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    internal static void Write(ref MessagePackValueWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.BeginMap(value.GetPropertyCount());
                foreach (var property in value.EnumerateObject())
                {
                    writer.String(property.Name);
                    Write(ref writer, property.Value);
                }

                break;
            case JsonValueKind.Array:
                writer.BeginArray(value.GetArrayLength());
                foreach (var item in value.EnumerateArray())
                {
                    Write(ref writer, item);
                }

                break;
            case JsonValueKind.String:
                writer.String(value.GetString()!);
                break;
            case JsonValueKind.Number when value.TryGetUInt64(out var unsigned):
                writer.UInt64(unsigned);
                break;
            case JsonValueKind.Number when value.TryGetInt64(out var signed):
                writer.Int64(signed);
                break;
            case JsonValueKind.Number:
                writer.Double(value.GetDouble());
                break;
            case JsonValueKind.True or JsonValueKind.False:
                writer.Boolean(value.ValueKind == JsonValueKind.True);
                break;
            default:
                writer.Null();
                break;
        }
    }

    private static void Copy(ref MessagePackReader reader, Utf8JsonWriter json)
    {
        switch (reader.NextMessagePackType)
        {
            case MessagePackType.Nil:
                reader.ReadNil();
                json.WriteNullValue();
                break;
            case MessagePackType.Boolean:
                json.WriteBooleanValue(reader.ReadBoolean());
                break;
            case MessagePackType.Integer when reader.NextCode == MessagePackCode.UInt64:
                json.WriteNumberValue(reader.ReadUInt64());
                break;
            case MessagePackType.Integer:
                json.WriteNumberValue(reader.ReadInt64());
                break;
            case MessagePackType.Float:
                new JsonValueWriter(json).Double(reader.ReadDouble());
                break;
            case MessagePackType.String or MessagePackType.Binary:
                json.WriteStringValue(TextOf(ref reader));
                break;
            case MessagePackType.Array:
                CopyArray(ref reader, json);
                break;
            case MessagePackType.Map:
                CopyMap(ref reader, json);
                break;
            default:
                throw new ProtocolException($"a MessagePack extension stands at byte {reader.Consumed}; messages have none");
        }
    }

    private static void CopyArray(ref MessagePackReader reader, Utf8JsonWriter json)
    {
        var count = reader.EnterArray();
        json.WriteStartArray();
        for (var i = 0; i < count; i++)
        {
            Copy(ref reader, json);
        }

        json.WriteEndArray();
        reader.Leave();
    }

    private static void CopyMap(ref MessagePackReader reader, Utf8JsonWriter json)
    {
        var count = reader.EnterMap();
        json.WriteStartObject();
        for (var i = 0; i < count; i++)
        {
            json.WritePropertyName(Key(ref reader));
            Copy(ref reader, json);
        }

        json.WriteEndObject();
        reader.Leave();
    }

    private static string Key(ref MessagePackReader reader) => reader.NextMessagePackType switch
    {
        MessagePackType.String or MessagePackType.Binary => TextOf(ref reader),
        MessagePackType.Integer => reader.ReadInt64().ToString(CultureInfo.InvariantCulture),
        MessagePackType.Boolean => reader.ReadBoolean() ? "true" : "false",
        var kind => throw new ProtocolException($"a map has a key of kind {kind} at byte {reader.Consumed}; keys must be strings"),
    };

    private static string TextOf(ref MessagePackReader reader)
    {
        reader.TryReadText(out var bytes);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Convert.ToBase64String(bytes);
    }
}
