using System.Buffers;
using System.Buffers.Text;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Bytes as standard base64 with padding (spec §4.4).</summary>
internal static class Base64Text
{
    /// <summary>The bytes of a base64 text.</summary>
    /// <exception cref="ProtocolException">It is not standard base64 with padding.</exception>
    internal static ReadOnlyMemory<byte> Decode(string member, ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            return ReadOnlyMemory<byte>.Empty;
        }

        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        var status = Base64.DecodeFromUtf8(text, bytes, out var consumed, out var written);
        return status == OperationStatus.Done
            ? bytes.AsMemory(0, written)
            : throw new ProtocolException(
                $"{member} is no base64: {text.Length} characters, wrong at character {consumed}; it must be standard base64 with padding");
    }
}
