using System.Buffers.Text;
using System.Globalization;
using System.Text;

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

/// <summary>Integers that came as floats: JavaScript and Python peers write 403.0 at times.</summary>
internal static class Numbers
{
    private const double TwoTo63 = 9_223_372_036_854_775_808d;
    private const double TwoTo64 = 18_446_744_073_709_551_616d;

    /// <summary>A whole, not negative float below 2^64 as an integer.</summary>
    internal static ulong ToUInt64(string member, double value) =>
        value >= 0 && value < TwoTo64 && double.IsInteger(value)
            ? (ulong)value
            : throw NotWhole(member, value, "0 to 18446744073709551615");

    /// <summary>A whole float within ±2^63 as an integer.</summary>
    internal static long ToInt64(string member, double value) =>
        value >= -TwoTo63 && value < TwoTo63 && double.IsInteger(value)
            ? (long)value
            : throw NotWhole(member, value, "within 64 bits, signed");

    private static ProtocolException NotWhole(string member, double value, string range) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{member} is {value}; it must be a whole number, {range}"));
}

/// <summary>Texts that nearly every request repeats; reading one of them makes no new string.</summary>
internal static class KnownStrings
{
    private static readonly MemberTable Table = new(
        0,
        "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE",
        "HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0", "HTTP/3", "HTTP/3.0",
        "TLSv1.2", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
        "127.0.0.1", "::1", "/", "captcha", "set", "add", "remove");

    /// <summary>The text of some UTF-8; invalid sequences are replaced.</summary>
    internal static string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            return "";
        }

        var known = utf8.Length <= 28 ? Table.IndexOf(utf8) : -1;
        return known >= 0 ? Table.Name(known) : Encoding.UTF8.GetString(utf8);
    }
}
