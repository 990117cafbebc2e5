using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Writes a JSON payload (spec §4.1).</summary>
internal readonly struct JsonValueWriter : IValueWriter<JsonValueWriter>
{
    private static readonly JsonWriterOptions Options = new()
    {
        // Payloads never go into a page, and what a request says should be readable in a capture.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
        MaxDepth = JsonValueReader.MaxDepth + 8,
    };

    // One writer per thread: it is used within one call and never across an await.
    [ThreadStatic]
    private static Utf8JsonWriter? _perThread;

    private readonly Utf8JsonWriter _json;

    internal JsonValueWriter(IBufferWriter<byte> output)
    {
        var writer = _perThread;
        if (writer is null)
        {
            _perThread = writer = new Utf8JsonWriter(output, Options);
        }
        else
        {
            writer.Reset(output);
        }

        _json = writer;
    }

    /// <summary>Goes on where another writer is.</summary>
    internal JsonValueWriter(Utf8JsonWriter json) => _json = json;

    public static JsonValueWriter Create(IBufferWriter<byte> output, bool binaryBody) => new(output);

    public void Flush() => _json.Flush();

    public void BeginMap(int count) => _json.WriteStartObject();

    public void EndMap() => _json.WriteEndObject();

    public void BeginArray(int count) => _json.WriteStartArray();

    public void EndArray() => _json.WriteEndArray();

    public void Key(scoped ReadOnlySpan<byte> utf8) => _json.WritePropertyName(utf8);

    public void Name(scoped ReadOnlySpan<byte> utf8)
    {
        if (Utf8.IsValid(utf8))
        {
            _json.WritePropertyName(utf8);
        }
        else
        {
            _json.WritePropertyName(Replaced(utf8));
        }
    }

    public void Null() => _json.WriteNullValue();

    public void Boolean(bool value) => _json.WriteBooleanValue(value);

    public void UInt64(ulong value) => _json.WriteNumberValue(value);

    public void Int64(long value) => _json.WriteNumberValue(value);

    public void Single(float value)
    {
        if (float.IsFinite(value))
        {
            _json.WriteNumberValue(value);
        }
        else
        {
            _json.WriteNullValue();
        }
    }

    public void Double(double value)
    {
        if (double.IsFinite(value))
        {
            _json.WriteNumberValue(value);
        }
        else
        {
            _json.WriteNullValue();
        }
    }

    public void String(string? value) => _json.WriteStringValue(value);

    public void Text(scoped ReadOnlySpan<byte> utf8)
    {
        if (Utf8.IsValid(utf8))
        {
            _json.WriteStringValue(utf8);
        }
        else
        {
            _json.WriteStringValue(Replaced(utf8));
        }
    }

    public void Base64(scoped ReadOnlySpan<byte> value) => _json.WriteBase64StringValue(value);

    public void BodyData(scoped ReadOnlySpan<byte> value) => _json.WriteBase64StringValue(value);

    public void Json(JsonElement value) => value.WriteTo(_json);

    private static string Replaced(scoped ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);
}
