using System.Text;
using System.Text.Unicode;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds;

/// <summary>Bytes from a proxy as the text that agents get: UTF-8 where they are valid UTF-8, else Latin-1, so that all 256 bytes come through (rule 9). Stateless.</summary>
internal static class WireText
{
    private const int StackLimit = 512;

    /// <summary>The text.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Encoding.Latin1.GetString(bytes);

    /// <summary>Adds a header field.</summary>
    public static void Add(HeaderBlock headers, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (Utf8.IsValid(name) && Utf8.IsValid(value))
        {
            headers.Add(name, value);
            return;
        }

        headers.Add(AsUtf8(name, stackalloc byte[StackLimit]), AsUtf8(value, stackalloc byte[StackLimit]));
    }

    private static ReadOnlySpan<byte> AsUtf8(ReadOnlySpan<byte> bytes, Span<byte> buffer)
    {
        if (Utf8.IsValid(bytes))
        {
            return bytes;
        }

        // A byte of Latin-1 takes two bytes of UTF-8 at most.
        var text = bytes.Length * 2 <= buffer.Length ? buffer : new byte[bytes.Length * 2];
        var length = 0;
        foreach (var b in bytes)
        {
            if (b < 0x80)
            {
                text[length++] = b;
            }
            else
            {
                text[length++] = (byte)(0xC0 | (b >> 6));
                text[length++] = (byte)(0x80 | (b & 0x3F));
            }
        }

        return text[..length];
    }
}
