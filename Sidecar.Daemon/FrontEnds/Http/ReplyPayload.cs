using System.IO.Compression;
using System.Text;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>A reply as bytes for a token: a byte that says whether the rest is deflated, status, number of headers, names and values, body.</summary>
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
