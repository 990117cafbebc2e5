namespace Sidecar.Protocol.Spop;

/// <summary>A header block in the form of <c>req.hdrs_bin</c> (proxy integration §1.7), checked whole and then walked in place.</summary>
/// <remarks>
/// <code>( varint length, name, varint length, value )*  00 00</code>
/// Use with <c>foreach</c>; it allocates nothing.
/// </remarks>
public ref struct SpopHeaderBlock
{
    private SpopReader _reader;
    private int _left;

    private SpopHeaderBlock(ReadOnlySpan<byte> block, int count)
    {
        _reader = new SpopReader(block);
        _left = count;
        Count = count;
    }

    /// <summary>How many fields there are.</summary>
    public int Count { get; }

    /// <summary>The field that <see cref="MoveNext"/> reached.</summary>
    public SpopHeader Current { get; private set; }

    /// <summary>Checks a block to its end marker.</summary>
    /// <param name="bytes">The value of the argument; a NULL or empty one is no block.</param>
    /// <param name="block">The fields in their order, repeated names included.</param>
    /// <param name="error">What is wrong with it.</param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out SpopHeaderBlock block, out SpopError error)
    {
        block = default;
        var reader = new SpopReader(bytes);
        for (var count = 0; ; count++)
        {
            if (!reader.TryReadString(out var name) || !reader.TryReadString(out var value))
            {
                return reader.Fails("a header block", out error);
            }

            if (name.IsEmpty)
            {
                var isEnd = value.IsEmpty && reader.End;
                error = isEnd
                    ? default
                    : SpopError.Invalid($"a header block has an empty name before its end, at offset {reader.Position}");
                block = isEnd ? new(bytes, count) : default;
                return isEnd;
            }
        }
    }

    /// <summary>The fields from the first one on.</summary>
    public readonly SpopHeaderBlock GetEnumerator() => this;

    /// <summary>Goes to the next field.</summary>
    public bool MoveNext()
    {
        if (_left == 0 || !_reader.TryReadString(out var name) || !_reader.TryReadString(out var value))
        {
            return false;
        }

        _left--;
        Current = new SpopHeader(name, value);
        return true;
    }
}

/// <summary>One header field as HAProxy hands it over: raw bytes, the name in lower case.</summary>
/// <param name="name">At least one byte; not checked to be a token.</param>
/// <param name="value">Any bytes, possibly none.</param>
public readonly ref struct SpopHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
{
    /// <summary>The name; at least one byte, not checked to be a token.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The value; any bytes, possibly none.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
}
