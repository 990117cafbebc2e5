using System.Text;

namespace Sidecar.Protocol.Encodings.Values;

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
