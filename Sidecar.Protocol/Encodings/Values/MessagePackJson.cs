using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Free values between MessagePack and JSON (spec §4.2, "free JSON value").</summary>
/// <remarks>JSON has no form for NaN and infinities, which become null, for bytes that are no text, which become base64, and for keys that are numbers.</remarks>
internal static class MessagePackJson
{
    private static readonly JsonWriterOptions Options = new() { SkipValidation = true };

    /// <summary>Reads any value.</summary>
    internal static JsonElement Read(ref MessagePackReader reader)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            Copy(ref reader, json);
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    /// <summary>Writes any value.</summary>
    internal static void Write(ref MessagePackWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteMapHeader(value.GetPropertyCount());
                foreach (var property in value.EnumerateObject())
                {
                    writer.WriteString(property.Name);
                    Write(ref writer, property.Value);
                }

                break;
            case JsonValueKind.Array:
                writer.WriteArrayHeader(value.GetArrayLength());
                foreach (var item in value.EnumerateArray())
                {
                    Write(ref writer, item);
                }

                break;
            case JsonValueKind.String:
                writer.WriteString(value.GetString());
                break;
            case JsonValueKind.Number:
                WriteNumber(ref writer, value);
                break;
            case JsonValueKind.True or JsonValueKind.False:
                writer.Write(value.ValueKind == JsonValueKind.True);
                break;
            default:
                writer.WriteNil();
                break;
        }
    }

    private static void WriteNumber(ref MessagePackWriter writer, JsonElement value)
    {
        if (value.TryGetUInt64(out var unsigned))
        {
            writer.Write(unsigned);
        }
        else if (value.TryGetInt64(out var signed))
        {
            writer.Write(signed);
        }
        else
        {
            writer.Write(value.GetDouble());
        }
    }

    private static void Copy(ref MessagePackReader reader, Utf8JsonWriter json)
    {
        switch (reader.NextKind)
        {
            case MessagePackKind.Nil:
                reader.ReadNil();
                json.WriteNullValue();
                break;
            case MessagePackKind.Boolean:
                json.WriteBooleanValue(reader.ReadBoolean());
                break;
            case MessagePackKind.Integer:
                CopyInteger(ref reader, json);
                break;
            case MessagePackKind.Float:
                CopyFloat(reader.ReadDouble(), json);
                break;
            case MessagePackKind.String or MessagePackKind.Binary:
                json.WriteStringValue(Text(reader.ReadStringOrBinarySpan()));
                break;
            case MessagePackKind.Array:
                CopyArray(ref reader, json);
                break;
            case MessagePackKind.Map:
                CopyMap(ref reader, json);
                break;
            default:
                throw new ProtocolException($"a MessagePack extension stands at byte {reader.Position}; messages have none");
        }
    }

    private static void CopyArray(ref MessagePackReader reader, Utf8JsonWriter json)
    {
        var count = reader.ReadArrayHeader();
        reader.EnterContainer();
        json.WriteStartArray();
        for (var i = 0; i < count; i++)
        {
            Copy(ref reader, json);
        }

        json.WriteEndArray();
        reader.LeaveContainer();
    }

    private static void CopyMap(ref MessagePackReader reader, Utf8JsonWriter json)
    {
        var count = reader.ReadMapHeader();
        reader.EnterContainer();
        json.WriteStartObject();
        for (var i = 0; i < count; i++)
        {
            json.WritePropertyName(Key(ref reader));
            Copy(ref reader, json);
        }

        json.WriteEndObject();
        reader.LeaveContainer();
    }

    private static string Key(ref MessagePackReader reader) => reader.NextKind switch
    {
        MessagePackKind.String or MessagePackKind.Binary => Text(reader.ReadStringOrBinarySpan()),
        MessagePackKind.Integer => reader.ReadInt64().ToString(CultureInfo.InvariantCulture),
        MessagePackKind.Boolean => reader.ReadBoolean() ? "true" : "false",
        var kind => throw new ProtocolException($"a map has a key of kind {kind} at byte {reader.Position}; keys must be strings"),
    };

    private static string Text(ReadOnlySpan<byte> bytes) =>
        Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Convert.ToBase64String(bytes);

    private static void CopyInteger(ref MessagePackReader reader, Utf8JsonWriter json)
    {
        // Integers from 2^63 on fit only the unsigned form, negative ones only the signed form.
        var copy = reader;
        var number = copy.ReadDouble();
        if (number < 0)
        {
            json.WriteNumberValue(reader.ReadInt64());
        }
        else
        {
            json.WriteNumberValue(reader.ReadUInt64());
        }
    }

    private static void CopyFloat(double value, Utf8JsonWriter json)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteNullValue();
        }
    }
}
