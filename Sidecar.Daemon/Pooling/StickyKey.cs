using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Sidecar.Daemon.Pooling;

/// <summary>Names a session of a client: a digest of what the client showed, so that a key has one size and lists of sessions show nobody's cookie.</summary>
/// <param name="Digest">The first 128 bits of a SHA-256.</param>
internal readonly record struct StickyKey(UInt128 Digest)
{
    // What a client shows is hashed in pieces of this size; a header has at most 128 KiB.
    private const int OnStack = 512;

    /// <summary>The key of a value.</summary>
    /// <param name="source">Where the value comes from, for example <c>cookie:sid</c>: the same value from another place is another session.</param>
    /// <param name="value">The value, not empty.</param>
    public static StickyKey Of(string source, string value)
    {
        var size = Encoding.UTF8.GetMaxByteCount(source.Length) + 1 + Encoding.UTF8.GetMaxByteCount(value.Length);
        var bytes = size <= OnStack ? stackalloc byte[OnStack] : new byte[size];
        var used = Encoding.UTF8.GetBytes(source, bytes);
        bytes[used++] = 0;
        used += Encoding.UTF8.GetBytes(value, bytes[used..]);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..used], digest);
        return new StickyKey(BinaryPrimitives.ReadUInt128BigEndian(digest));
    }

    /// <summary>Reads the 32 hex digits that <see cref="ToString"/> writes; false for anything else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out StickyKey key)
    {
        var isKey = UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var digest) && text.Length == 32;
        key = isKey ? new StickyKey(digest) : default;
        return isKey;
    }

    /// <summary>32 hex digits.</summary>
    public override string ToString() => Digest.ToString("x32", CultureInfo.InvariantCulture);
}
