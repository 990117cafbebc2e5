using System.Buffers.Binary;
using System.Buffers.Text;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// Replies that a proxy fetches in a second step, as signed tokens that hold all there is to say: nothing is stored, and a restarted daemon
/// or another one with the same key can answer.
/// </summary>
/// <remarks>
/// base64url of: version (1 byte), expiry in Unix seconds (4, big-endian), what <see cref="ReplyPayload"/> writes, and the first 16 bytes
/// of HMAC-SHA256 over all before. Safe for any number of threads.
/// </remarks>
internal sealed class ReplyTokens
{
    /// <summary>Longest token in characters. With the other headers of an answer it fits the 16 KiB that nginx gives to them.</summary>
    public const int MaxLength = 12 * 1024;

    /// <summary>How long a token is good for. The proxy fetches the reply at once; the rest is for clocks of two machines.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    private const byte Version = 1;
    private const int HeadLength = 1 + sizeof(uint);
    private const int MacLength = 16;

    private readonly byte[] _key;
    private readonly TimeProvider _time;

    /// <summary>Tokens under one key.</summary>
    /// <param name="key">32 random bytes; see <see cref="ReplyKeyFile"/>.</param>
    /// <param name="time">The clock of the expiry.</param>
    public ReplyTokens(byte[] key, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, ReplyKeyFile.KeyLength, nameof(key));
        (_key, _time) = (key, time);
    }

    /// <summary>The token of a reply; null when it would be longer than <see cref="MaxLength"/>.</summary>
    public string? Issue(Reply reply)
    {
        var payload = ReplyPayload.Write(reply);
        var length = HeadLength + payload.Length + MacLength;
        if (Base64Url.GetEncodedLength(length) > MaxLength)
        {
            return null;
        }

        var token = new byte[length];
        token[0] = Version;
        BinaryPrimitives.WriteUInt32BigEndian(token.AsSpan(1), Now + (uint)Lifetime.TotalSeconds);
        payload.CopyTo(token.AsSpan(HeadLength));
        Sign(token.AsSpan(0, length - MacLength), token.AsSpan(length - MacLength));
        return Base64Url.EncodeToString(token);
    }

    /// <summary>The reply of a token.</summary>
    /// <param name="token">What came, in any form.</param>
    /// <param name="reply">The reply; null unless the token is valid.</param>
    public ReplyTokenState Read(ReadOnlySpan<char> token, out Reply? reply)
    {
        reply = null;
        if (token.Length > MaxLength || !Base64Url.IsValid(token, out var length) || length < HeadLength + MacLength)
        {
            return ReplyTokenState.Malformed;
        }

        var bytes = Base64Url.DecodeFromChars(token);
        Span<byte> mac = stackalloc byte[MacLength];
        Sign(bytes.AsSpan(0, length - MacLength), mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, bytes.AsSpan(length - MacLength)) || bytes[0] != Version)
        {
            return ReplyTokenState.Forged;
        }

        if (BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(1)) < Now)
        {
            return ReplyTokenState.Expired;
        }

        reply = ReplyPayload.Read(bytes.AsSpan(HeadLength, length - HeadLength - MacLength));
        return ReplyTokenState.Valid;
    }

    private uint Now => (uint)_time.GetUtcNow().ToUnixTimeSeconds();

    private void Sign(ReadOnlySpan<byte> content, Span<byte> mac)
    {
        Span<byte> full = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, content, full);
        full[..MacLength].CopyTo(mac);
    }
}

/// <summary>What a reply token turned out to be.</summary>
internal enum ReplyTokenState
{
    /// <summary>Ours and in time.</summary>
    Valid,

    /// <summary>No token at all: wrong length or characters.</summary>
    Malformed,

    /// <summary>Signed with another key, changed, or of another version.</summary>
    Forged,

    /// <summary>Ours, but too old.</summary>
    Expired,
}

/// <summary>
/// A reply as bytes for a token: a byte that says whether the rest is deflated, status, number of headers, names and values, body.
/// </summary>
internal static class ReplyPayload
{
    private const byte Plain = 0;
    private const byte Deflated = 1;

    /// <summary>The bytes of a reply, deflated where that makes them fewer.</summary>
    public static byte[] Write(Reply reply)
    {
        using var plain = new MemoryStream(reply.Body.Length + 256);
        plain.WriteByte(Plain);
        using (var writer = new BinaryWriter(plain, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write((ushort)reply.Status);
            writer.Write7BitEncodedInt(reply.Headers.Count);
            foreach (var (name, value) in reply.Headers)
            {
                writer.Write(name);
                writer.Write(value);
            }

            writer.Write(reply.Body.Span);
        }

        using var small = new MemoryStream();
        small.WriteByte(Deflated);
        using (var deflate = new DeflateStream(small, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflate.Write(plain.GetBuffer().AsSpan(1, (int)plain.Length - 1));
        }

        return small.Length < plain.Length ? small.ToArray() : plain.ToArray();
    }

    /// <summary>The reply of bytes that <see cref="Write"/> made; only ever called with bytes whose signature was checked.</summary>
    public static Reply Read(ReadOnlySpan<byte> payload)
    {
        using var content = new MemoryStream(payload[1..].ToArray());
        using var plain = payload[0] == Deflated ? Inflate(content) : content;
        using var reader = new BinaryReader(plain, Encoding.UTF8);
        var status = reader.ReadUInt16();
        var headers = new KeyValuePair<string, string>[reader.Read7BitEncodedInt()];
        for (var i = 0; i < headers.Length; i++)
        {
            headers[i] = new(reader.ReadString(), reader.ReadString());
        }

        return new Reply(status, headers, reader.ReadBytes((int)(plain.Length - plain.Position)));
    }

    private static MemoryStream Inflate(MemoryStream content)
    {
        var plain = new MemoryStream();
        using (var inflate = new DeflateStream(content, CompressionMode.Decompress))
        {
            inflate.CopyTo(plain);
        }

        plain.Position = 0;
        return plain;
    }
}
