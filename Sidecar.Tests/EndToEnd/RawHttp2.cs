using System.Buffers.Binary;
using System.Text;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Frames of HTTP/2 (RFC 9113), as a client writes them that tidies up nothing.</summary>
internal static class RawHttp2
{
    public const byte EndStream = 1;

    private const byte EndHeaders = 4;
    private const byte Padded = 8;

    /// <summary>What a client begins a connection with: the preface and empty settings.</summary>
    public static byte[] Preface => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(4, 0, 0, [])];

    /// <summary>A field section, of a request or its trailers, in one frame on stream 1.</summary>
    /// <param name="flags">0 or <see cref="EndStream"/>.</param>
    /// <param name="fields">Pseudo fields first; each char is one byte.</param>
    public static byte[] Headers(byte flags, params IEnumerable<(string Name, string Value)> fields) =>
        Frame(1, (byte)(flags | EndHeaders), 1, [.. fields.SelectMany(static field => Field(field.Name, field.Value))]);

    /// <summary>A piece of the body on stream 1.</summary>
    /// <param name="flags">0 or <see cref="EndStream"/>.</param>
    /// <param name="data">Each char is one byte.</param>
    /// <param name="padding">Bytes of padding; null for a frame that has none.</param>
    public static byte[] Data(byte flags, string data, byte? padding = null) => padding is { } length
        ? Frame(0, (byte)(flags | Padded), 1, [length, .. Encoding.Latin1.GetBytes(data), .. new byte[length]])
        : Frame(0, flags, 1, Encoding.Latin1.GetBytes(data));

    /// <summary>Whether the answer on stream 1, or the connection, has ended in what a server sent.</summary>
    public static bool HasEnded(ReadOnlySpan<byte> sent)
    {
        while (sent.Length >= 9)
        {
            var length = (sent[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(sent[1..]);
            if (sent[3] is 3 or 7 || (sent[3] is 0 or 1 && (sent[4] & EndStream) != 0))
            {
                return true;
            }

            sent = sent.Length >= 9 + length ? sent[(9 + length)..] : [];
        }

        return false;
    }

    // A literal without indexing (RFC 7541 §6.2.2), never compressed.
    private static byte[] Field(string name, string value) => [0, .. Text(name), .. Text(value)];

    private static byte[] Text(string text)
    {
        var bytes = new List<byte>();
        var length = text.Length;
        if (length < 127)
        {
            bytes.Add((byte)length);
        }
        else
        {
            bytes.Add(127);
            for (length -= 127; length >= 128; length >>= 7)
            {
                bytes.Add((byte)(length | 128));
            }

            bytes.Add((byte)length);
        }

        return [.. bytes, .. Encoding.Latin1.GetBytes(text)];
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var head = new byte[9];
        BinaryPrimitives.WriteInt32BigEndian(head, payload.Length << 8);
        (head[3], head[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(5), stream);
        return [.. head, .. payload];
    }
}
