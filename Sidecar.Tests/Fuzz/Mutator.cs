using System.Buffers.Binary;

namespace Sidecar.Tests.Fuzz;

/// <summary>Makes inputs of other inputs, knowing what formats are made of: lengths, nesting, members, words. The same for the same seed.</summary>
/// <param name="random">Where all chance comes from.</param>
internal sealed class Mutator(Random random)
{
    /// <summary>Longest input made.</summary>
    public const int MaxLength = 32 * 1024;

    // Words of the protocols, and what readers stumble over.
    private static readonly byte[][] Words =
    [
        .. new[]
        {
            "\r\n", "\0", "\n", "\t", ";", ":", "/", "//", "..", "/../", "%2e", "%2f", "%00", "%", "%25", "\\", "#", "?", "*", "@", "=", "&", ",", " ", "\"", "'", "{}", "[]", "{", "[",
            "null", "true", "false", "0", "-1", "1e999", "NaN", "18446744073709551616", "4294967296", "65536", "\"\"", "\"a\":", "\\ud800", "\\u0000", "\u00fc", "\ufeff", "\u2028",
            "allow", "block", "redirect", "challenge", "decision", "type", "status", "headers", "body", "url", "needs_more", "audit", "custom", "correlation_id", "payload", "response",
            "guardrail_response", "detected", "set", "add", "remove", "name", "value", "host", "x-sidecar-id", "X_User", "content-length", "transfer-encoding", "cookie", "http://", "[::1]:80",
            "request_headers", "data", "base64", "truncated", "final", "part", "phase", "tx", "le", "+Inf", "counters", "labels", "grpc-status", "99999999S", "sid=",
        }.Select(System.Text.Encoding.UTF8.GetBytes),
        [0xFF], [0x80], [0xC0], [0xC1], [0xF0], [0x90], [0x81], [0xDF, 0xFF, 0xFF, 0xFF, 0xFF], [0xDD, 0x00, 0x01, 0x00, 0x00],
            [0xC6, 0x7F, 0xFF, 0xFF, 0xFF], [0xCB, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0],
        [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x80, 0x80, 0x80, 0x80, 0x10], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0xED, 0xA0, 0x80], [0xC0, 0xAF], [0x0A, 0x00], [0x12, 0x02, 0x0A, 0x00],
    ];

    // What opens a level, in each of the formats.
    private static readonly byte[][] Openers = [.. new[] { "[", "{\"a\":", "{\"custom\":", "/a", "../" }
        .Select(System.Text.Encoding.UTF8.GetBytes), [0x91], [0x81, 0xA1, 0x61], [0x0A, 0x7F]];

    private static readonly byte[] OddBytes = [0, 1, 7, 0x0A, 0x0D, 0x1F, 0x20, 0x22, 0x2F, 0x5C, 0x7F, 0x80, 0xA0, 0xC0, 0xEF, 0xF0, 0xFE,
        0xFF];

    private static readonly int[] OddNumbers = [0, 1, -1, 2, 127, 128, 255, 256, 4095, 16_384, 32_767, 65_535, 65_536, 16_777_216,
        16_777_217, int.MaxValue, int.MinValue];

    private static readonly int[] Depths = [2, 17, 33, 64, 65, 70, 200, 2_000];

    /// <summary>A changed copy of an input: one change most often, up to six.</summary>
    /// <param name="input">The input, left as it is.</param>
    /// <param name="other">Another one, of which parts may be taken.</param>
    public byte[] Mutate(byte[] input, byte[] other)
    {
        var data = (byte[])input.Clone();
        for (var changes = random.Next(3) == 0 ? random.Next(2, 7) : 1; changes > 0; changes--)
        {
            data = Change(data, other);
        }

        return data.Length <= MaxLength ? data : data[..MaxLength];
    }

    private byte[] Change(byte[] data, byte[] other)
    {
        if (data.Length == 0)
        {
            return other.Length > 0 && random.Next(2) == 0 ? other[..random.Next(1, other.Length + 1)] : Pick(Words);
        }

        var (at, count) = Range(data);
        var at32 = random.Next(Math.Max(1, data.Length - 3));
        switch (random.Next(17))
        {
            case 0 or 1:
                data[at] ^= (byte)(1 << random.Next(8));
                return data;
            case 2:
                data[at] = (byte)random.Next(256);
                return data;
            case 3:
                data[at] = OddBytes[random.Next(OddBytes.Length)];
                return data;
            case 4:
                // What counts something is off by a little.
                data[at] += (byte)random.Next(-4, 5);
                return data;
            case 5:
                return Replace(data, at, 0, Pick(Words));
            case 6:
                return Replace(data, at, Math.Min(count, 16), Pick(Words));
            case 7:
                return Replace(data, at, count, []);
            case 8:
                return data[..at];
            case 9:
                return Replace(data, at, 0, data.AsSpan(at, count));
            case 10:
                return Replace(data, random.Next(data.Length + 1), 0, data.AsSpan(at, count));
            case 11 when other.Length > 0:
                return [.. data[..at], .. other.AsSpan(random.Next(other.Length))];
            case 12 when other.Length > 0:
                var (from, length) = Range(other);
                return Replace(data, at, count, other.AsSpan(from, length));
            case 13 when data.Length >= 4:
                WriteNumber(data.AsSpan(at32, 4));
                return data;
            case 14:
                return Replace(data, at, random.Next(2), Repeated(Pick(Openers), Depths[random.Next(Depths.Length)]));
            case 15:
                return DuplicateMember(data);
            default:
                return Replace(data, at, 1, [(byte)(data[at] | 0x80), (byte)random.Next(2)]);
        }
    }

    private void WriteNumber(Span<byte> place)
    {
        var number = OddNumbers[random.Next(OddNumbers.Length)];
        switch (random.Next(4))
        {
            case 0:
                BinaryPrimitives.WriteInt32BigEndian(place, number);
                break;
            case 1:
                BinaryPrimitives.WriteInt32LittleEndian(place, number);
                break;
            case 2:
                BinaryPrimitives.WriteInt16BigEndian(place, (short)number);
                break;
            default:
                BinaryPrimitives.WriteInt32BigEndian(place, BinaryPrimitives.ReadInt32BigEndian(place) + random.Next(-2, 3));
                break;
        }
    }

    // From one quote or comma to another: in JSON often a member with its value. The copy stands before or behind it.
    private byte[] DuplicateMember(byte[] data)
    {
        var start = Array.IndexOf(data, (byte)'"', random.Next(data.Length));
        if (start < 0)
        {
            return data;
        }

        var end = data.AsSpan(start).IndexOfAny((byte)',', (byte)'}');
        var member = end > 0 ? data[start..(start + end)] : data[start..];
        return Replace(data, start, 0, [.. member, (byte)',']);
    }

    private (int At, int Count) Range(byte[] data)
    {
        var at = random.Next(data.Length);
        return (at, random.Next(1, Math.Min(data.Length - at, random.Next(2) == 0 ? 8 : 256) + 1));
    }

    private byte[] Pick(byte[][] choices) => choices[random.Next(choices.Length)];

    private static byte[] Repeated(byte[] unit, int times)
    {
        var all = new byte[unit.Length * times];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = unit[i % unit.Length];
        }

        return all;
    }

    private static byte[] Replace(byte[] data, int at, int count, ReadOnlySpan<byte> by) =>
        [.. data.AsSpan(0, at), .. by, .. data.AsSpan(Math.Min(data.Length, at + count))];
}
