using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Sidecar.Protocol.MessagePack;
using Base64Codec = System.Buffers.Text.Base64;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Writes a MessagePack payload by the writer rule: maps with string keys (spec §4.2).</summary>
internal ref struct MessagePackValueWriter : IValueWriter
{
    private const int PieceBytes = 768;
    private const int PieceCharacters = 1024;

    private readonly bool _binaryBody;
    private MessagePackWriter _writer;

    /// <summary>Starts at the output's present end.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="binaryBody">Whether the peer takes raw body bytes (spec §4.4).</param>
    internal MessagePackValueWriter(IBufferWriter<byte> output, bool binaryBody)
    {
        _writer = new MessagePackWriter(output);
        _binaryBody = binaryBody;
    }

    /// <summary>Hands what was written to the output; call it after the last value.</summary>
    internal void Flush() => _writer.Flush();

    /// <inheritdoc/>
    public void BeginMap(int count) => _writer.WriteMapHeader(count);

    /// <inheritdoc/>
    public readonly void EndMap()
    {
    }

    /// <inheritdoc/>
    public void BeginArray(int count) => _writer.WriteArrayHeader(count);

    /// <inheritdoc/>
    public readonly void EndArray()
    {
    }

    /// <inheritdoc/>
    public void Key(scoped ReadOnlySpan<byte> utf8) => _writer.WriteStringUtf8(utf8);

    /// <inheritdoc/>
    public void Name(scoped ReadOnlySpan<byte> utf8) => Text(utf8);

    /// <inheritdoc/>
    public void Null() => _writer.WriteNil();

    /// <inheritdoc/>
    public void Boolean(bool value) => _writer.Write(value);

    /// <inheritdoc/>
    public void UInt64(ulong value) => _writer.Write(value);

    /// <inheritdoc/>
    public void Int64(long value) => _writer.Write(value);

    /// <inheritdoc/>
    public void Single(float value) => _writer.Write(value);

    /// <inheritdoc/>
    public void Double(double value) => _writer.Write(value);

    /// <inheritdoc/>
    public void String(string value) => _writer.WriteString(value);

    /// <inheritdoc/>
    public void Text(scoped ReadOnlySpan<byte> utf8)
    {
        if (Utf8.IsValid(utf8))
        {
            _writer.WriteStringUtf8(utf8);
        }
        else
        {
            _writer.WriteString(Encoding.UTF8.GetString(utf8));
        }
    }

    /// <inheritdoc/>
    public void Base64(scoped ReadOnlySpan<byte> value)
    {
        _writer.WriteStringHeader(Base64Codec.GetMaxEncodedToUtf8Length(value.Length));
        Span<byte> piece = stackalloc byte[PieceCharacters];
        while (!value.IsEmpty)
        {
            // Whole groups of three bytes until the last piece, so that padding can only stand at the end.
            var size = Math.Min(PieceBytes, value.Length);
            Base64Codec.EncodeToUtf8(value[..size], piece, out _, out var written);
            _writer.WriteRaw(piece[..written]);
            value = value[size..];
        }
    }

    /// <inheritdoc/>
    public void BodyData(scoped ReadOnlySpan<byte> value)
    {
        if (_binaryBody)
        {
            _writer.WriteBinary(value);
        }
        else
        {
            Base64(value);
        }
    }

    /// <inheritdoc/>
    public void Json(JsonElement value) => MessagePackJson.Write(ref _writer, value);
}
