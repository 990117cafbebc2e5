using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// Bytes from a proxy as the text that agents get, and back: UTF-8 where they are valid UTF-8, else Latin-1, so that all 256 bytes come
/// through (rule 9). Stateless.
/// </summary>
/// <remarks>A <i>wire string</i> has a char for each byte.</remarks>
internal static class WireText
{
    private const int StackLimit = 512;

    /// <summary>The text of bytes.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) =>
        Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Encoding.Latin1.GetString(bytes);

    /// <summary>The text of a wire string.</summary>
    public static string Of(string wire) => Ascii.IsValid(wire) ? wire : Of(Encoding.Latin1.GetBytes(wire));

    /// <summary>The wire string of a text.</summary>
    public static string ToWire(string text) => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>Adds a header field of bytes.</summary>
    public static void Add(HeaderBlock headers, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        headers.Add(AsUtf8(name, stackalloc byte[StackLimit]), AsUtf8(value, stackalloc byte[StackLimit]));

    /// <summary>Adds a header field of wire strings.</summary>
    public static void Add(HeaderBlock headers, string name, string value)
    {
        if (headers.TryAddAscii(name, value))
        {
            return;
        }

        var length = name.Length + value.Length;
        byte[]? rented = null;
        var buffer = length <= StackLimit ? stackalloc byte[StackLimit] : rented = ArrayPool<byte>.Shared.Rent(length);
        var nameLength = Encoding.Latin1.GetBytes(name, buffer);
        Add(headers, buffer[..nameLength], buffer.Slice(nameLength, Encoding.Latin1.GetBytes(value, buffer[nameLength..])));
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
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
            length += new Rune((uint)b).EncodeToUtf8(text[length..]);
        }

        return text[..length];
    }
}
