namespace Sidecar.Protocol.Spop;

/// <summary>A header block as the text of <c>req.hdrs</c> (proxy integration §1.7), checked whole and then walked in place.</summary>
/// <remarks>
/// Lines of <c>name: value</c>, each ended by CR LF, then an empty line, which may be missing. A CR or LF anywhere else is refused: two
/// readers could see two different fields in it. Prefer the binary form. Use with <c>foreach</c>; it allocates nothing.
/// </remarks>
public ref struct SpopHeaderText
{
    private const int LineEnd = 2;

    private ReadOnlySpan<byte> _rest;

    private SpopHeaderText(ReadOnlySpan<byte> text, int count)
    {
        _rest = text;
        Count = count;
    }

    /// <summary>How many fields there are.</summary>
    public int Count { get; }

    /// <summary>The field that <see cref="MoveNext"/> reached; the value without the blanks around it.</summary>
    public SpopHeader Current { get; private set; }

    /// <summary>Checks all lines.</summary>
    /// <param name="bytes">The value of the argument; empty for no field.</param>
    /// <param name="text">The fields in their order, repeated names included.</param>
    /// <param name="error">What is wrong with it.</param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out SpopHeaderText text, out SpopError error)
    {
        text = default;
        var rest = bytes;
        var count = 0;
        for (; !rest.IsEmpty && !rest.SequenceEqual("\r\n"u8); count++)
        {
            if (!TryReadLine(ref rest, out _))
            {
                return SpopError.Fails(
                    $"line {count + 1} of a header text, at offset {bytes.Length - rest.Length}, is not 'name: value' and CR LF",
                    out error);
            }
        }

        text = new(bytes, count);
        error = default;
        return true;
    }

    /// <summary>The fields from the first one on.</summary>
    public readonly SpopHeaderText GetEnumerator() => this;

    /// <summary>Goes to the next field.</summary>
    public bool MoveNext()
    {
        // The empty line at the end has no colon.
        if (!TryReadLine(ref _rest, out var header))
        {
            return false;
        }

        Current = header;
        return true;
    }

    private static bool TryReadLine(scoped ref ReadOnlySpan<byte> rest, out SpopHeader header)
    {
        header = default;
        var end = rest.IndexOfAny((byte)'\r', (byte)'\n');
        if (end < 0 || !rest[end..].StartsWith("\r\n"u8))
        {
            return false;
        }

        var line = rest[..end];
        var colon = line.IndexOf((byte)':');
        if (colon <= 0)
        {
            return false;
        }

        header = new SpopHeader(line[..colon], line[(colon + 1)..].Trim(" \t"u8));
        rest = rest[(end + LineEnd)..];
        return true;
    }
}
