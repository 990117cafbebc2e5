using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using MessagePack;
using Base64Codec = System.Buffers.Text.Base64;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Writes a MessagePack payload by the writer rule: maps with string keys (spec §4.2).</summary>
internal ref struct MessagePackValueWriter : IValueWriter<MessagePackValueWriter>
{
    private const int PieceBytes = 768;
    private const int PieceCharacters = 1024;

    // The package takes room for three bytes a character; of longer texts the size is counted first.
    private const int MostCharactersInOnePass = 1024;

    private readonly IBufferWriter<byte> _output;
    private readonly bool _binaryBody;
    private MessagePackWriter _writer;

    /// <summary>Starts at the output's present end.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="binaryBody">Whether the peer takes raw body bytes (spec §4.4).</param>
    internal MessagePackValueWriter(IBufferWriter<byte> output, bool binaryBody)
    {
        _output = output;
        _writer = new MessagePackWriter(output);
        _binaryBody = binaryBody;
    }

    public static MessagePackValueWriter Create(IBufferWriter<byte> output, bool binaryBody) => new(output, binaryBody);

    public void Flush() => _writer.Flush();

    public void BeginMap(int count) => _writer.WriteMapHeader(count);

    public readonly void EndMap()
    {
    }

    public void BeginArray(int count) => _writer.WriteArrayHeader(count);

    public readonly void EndArray()
    {
    }

    public void Key(scoped ReadOnlySpan<byte> utf8) => _writer.WriteString(Unscoped(utf8));

    public void Name(scoped ReadOnlySpan<byte> utf8) => Text(utf8);

    public void Null() => _writer.WriteNil();

    public void Boolean(bool value) => _writer.Write(value);

    public void UInt64(ulong value) => _writer.Write(value);

    public void Int64(long value) => _writer.Write(value);

    public void Single(float value) => _writer.Write(value);

    public void Double(double value) => _writer.Write(value);

    public void String(string? value)
    {
        if (value is null)
        {
            _writer.WriteNil();
        }
        else if (value.Length <= MostCharactersInOnePass)
        {
            _writer.Write(value);
        }
        else
        {
            _writer.WriteStringHeader(Encoding.UTF8.GetByteCount(value));
            _writer.Flush();
            Encoding.UTF8.GetBytes(value, _output);
        }
    }

    public void Text(scoped ReadOnlySpan<byte> utf8)
    {
        if (Utf8.IsValid(utf8))
        {
            _writer.WriteString(Unscoped(utf8));
        }
        else
        {
            String(Encoding.UTF8.GetString(utf8));
        }
    }

    public void Base64(scoped ReadOnlySpan<byte> value)
    {
        _writer.WriteStringHeader(Base64Codec.GetMaxEncodedToUtf8Length(value.Length));
        while (!value.IsEmpty)
        {
            // Whole groups of three bytes until the last piece, so that padding can only stand at the end.
            var size = Math.Min(PieceBytes, value.Length);
            Base64Codec.EncodeToUtf8(value[..size], _writer.GetSpan(PieceCharacters), out _, out var written);
            _writer.Advance(written);
            value = value[size..];
        }
    }

    public void BodyData(scoped ReadOnlySpan<byte> value)
    {
        if (_binaryBody)
        {
            _writer.WriteBinHeader(value.Length);
            _writer.WriteRaw(Unscoped(value));
        }
        else
        {
            Base64(value);
        }
    }

    public void Json(JsonElement value) => MessagePackJson.Write(ref this, value);

    // The package copies the bytes at once, but its parameters do not say so.
    private static ReadOnlySpan<byte> Unscoped(scoped ReadOnlySpan<byte> bytes) =>
        MemoryMarshal.CreateReadOnlySpan(in MemoryMarshal.GetReference(bytes), bytes.Length);
}
