using System.Buffers.Text;
using System.Text;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>Strings of JSON whose bytes need not be UTF-8: scripts copy what clients sent, and every byte of it counts (rule 9).</summary>
/// <remarks>System.Text.Json refuses such strings; a client could make a script's question unreadable with one byte in its path.</remarks>
internal static class JsonText
{


    /// <summary>Resolves the escapes of a string that a JSON reader has accepted.</summary>
    /// <param name="raw">What stands between the quotes.</param>
    /// <param name="target">At least as long; may be the same memory.</param>
    /// <returns>How many bytes were written, never more than were read. Half a surrogate pair becomes U+FFFD.</returns>
    public static int Unescape(ReadOnlySpan<byte> raw, Span<byte> target)
    {
        var (read, written) = (0, 0);
        while (read < raw.Length)
        {
            var run = raw[read..].IndexOf((byte)'\\');
            run = run < 0 ? raw.Length - read : run;
            raw.Slice(read, run).CopyTo(target[written..]);
            (read, written) = (read + run, written + run);
            if (read < raw.Length)
            {
                read += Resolve(raw[read..], target, ref written);
            }
        }

        return written;
    }

    // One escape; how many bytes of the text it is.
    private static int Resolve(ReadOnlySpan<byte> escape, Span<byte> target, ref int written)
    {
        if (escape[1] != (byte)'u')
        {
            target[written++] = escape[1] switch
            {
                (byte)'b' => (byte)'\b',
                (byte)'f' => (byte)'\f',
                (byte)'n' => (byte)'\n',
                (byte)'r' => (byte)'\r',
                (byte)'t' => (byte)'\t',
                var itself => itself,
            };
            return 2;
        }

        var first = UnitAt(escape);
        if (char.IsHighSurrogate(first) && escape.Length >= 12 && escape[6] == (byte)'\\' && escape[7] == (byte)'u'
            && UnitAt(escape[6..]) is var second && char.IsLowSurrogate(second))
        {
            written += new Rune(first, second).EncodeToUtf8(target[written..]);
            return 12;
        }

        written += (Rune.TryCreate(first, out var rune) ? rune : Rune.ReplacementChar).EncodeToUtf8(target[written..]);
        return 6;
    }

    private static char UnitAt(ReadOnlySpan<byte> escape) =>
        Utf8Parser.TryParse(escape.Slice(2, 4), out ushort unit, out _, 'x') ? (char)unit : '\uFFFF';
}
