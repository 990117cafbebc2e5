namespace Sidecar.Protocol.Spop;

/// <summary>Reads names and values from a complete payload (proxy integration §1.4), without allocating and without throwing.</summary>
/// <remarks>
/// A read that fails leaves the position where it was and says why in <see cref="Failure"/>. Spans handed out are parts of the source.
/// A value type: pass it by <c>ref</c>. Not safe for use by several threads.
/// </remarks>
/// <param name="source">The whole payload; what reaches beyond it is refused.</param>
public ref struct SpopReader(ReadOnlySpan<byte> source)
{
    private const int TypeMask = 0x0F;
    private const int TrueFlag = 0x10;

    private readonly ReadOnlySpan<byte> _source = source;
    private ulong _refused;

    /// <summary>The bytes read so far.</summary>
    public int Position { get; private set; }

    /// <summary>Whether all bytes are read.</summary>
    public readonly bool End => Position == _source.Length;

    /// <summary>Why the last failed read failed.</summary>
    public SpopReadResult Failure { get; private set; }

    /// <summary>All that is read from.</summary>
    internal readonly ReadOnlySpan<byte> Source => _source;

    private readonly ReadOnlySpan<byte> Rest => _source[Position..];

    /// <summary>Reads one byte.</summary>
    public bool TryReadByte(out byte value)
    {
        if (End)
        {
            value = 0;
            return Fail(SpopReadResult.Truncated, 0);
        }

        value = _source[Position++];
        return true;
    }

    /// <summary>Reads an integer of variable length (proxy integration §1.3).</summary>
    public bool TryReadVarint(out ulong value)
    {
        var result = SpopVarint.TryRead(Rest, out value, out var size);
        Position += size;
        return result == SpopReadResult.Success || Fail(result, 0);
    }

    /// <summary>Reads a string without a type, such as a name; it may be empty.</summary>
    public bool TryReadString(out ReadOnlySpan<byte> bytes)
    {
        var before = Position;
        bytes = default;
        if (!TryReadVarint(out var length))
        {
            return false;
        }

        // Compared as unsigned, so that no length is taken for a negative one.
        if (length > (uint)(_source.Length - Position))
        {
            Position = before;
            return Fail(SpopReadResult.LengthBeyondEnd, length);
        }

        bytes = _source.Slice(Position, (int)length);
        Position += (int)length;
        return true;
    }

    /// <summary>Reads a typed value. Flags of a type that has none are ignored, as HAProxy does.</summary>
    public bool TryReadValue(out SpopValue value)
    {
        var before = Position;
        value = default;
        if (!TryReadByte(out var head))
        {
            return false;
        }

        if (TryReadData((SpopDataType)(head & TypeMask), head, out value))
        {
            return true;
        }

        Position = before;
        return false;
    }

    /// <summary>The error of the last failed read, for a DISCONNECT.</summary>
    /// <param name="what">What was being read, in our own words, such as "the name of an argument".</param>
    public readonly SpopError Error(string what) => SpopError.Invalid(Failure switch
    {
        SpopReadResult.VarintTooLarge => $"{what}: a varint at offset {Position} exceeds {SpopVarint.MaxSize} bytes or 64 bits",
        SpopReadResult.LengthBeyondEnd => $"{what}: {_refused} bytes claimed at offset {Position} of a payload of {_source.Length}",
        SpopReadResult.UnknownDataType => $"{what}: data type {_refused} at offset {Position} is not defined, 0 to 9 are",
        SpopReadResult.OutOfRange => $"{what}: the 32-bit integer at offset {Position} has more bits (0x{_refused:X})",
        _ => $"{what}: the payload of {_source.Length} bytes ends inside it, at offset {Position}",
    });

    /// <summary>The same, for whoever gives up because of it.</summary>
    /// <returns>False.</returns>
    internal readonly bool Fails(string what, out SpopError error)
    {
        error = Error(what);
        return false;
    }

    private bool TryReadData(SpopDataType type, byte head, out SpopValue value)
    {
        var bits = type == SpopDataType.Boolean && (head & TrueFlag) != 0 ? 1ul : 0;
        var bytes = ReadOnlySpan<byte>.Empty;
        var isRead = type switch
        {
            SpopDataType.Null or SpopDataType.Boolean => true,
            SpopDataType.Int32 => TryReadVarint(out bits) && (bits == (ulong)(int)bits || Fail(SpopReadResult.OutOfRange, bits)),
            SpopDataType.UInt32 => TryReadVarint(out bits) && (bits <= uint.MaxValue || Fail(SpopReadResult.OutOfRange, bits)),
            SpopDataType.Int64 or SpopDataType.UInt64 => TryReadVarint(out bits),
            SpopDataType.IPv4 => TryReadBytes(SpopValue.IPv4Size, out bytes),
            SpopDataType.IPv6 => TryReadBytes(SpopValue.IPv6Size, out bytes),
            SpopDataType.String or SpopDataType.Binary => TryReadString(out bytes),
            _ => Fail(SpopReadResult.UnknownDataType, (ulong)type),
        };
        value = isRead ? SpopValue.Read(type, bits, bytes) : default;
        return isRead;
    }

    private bool TryReadBytes(int count, out ReadOnlySpan<byte> bytes)
    {
        if (_source.Length - Position < count)
        {
            bytes = default;
            return Fail(SpopReadResult.Truncated, 0);
        }

        bytes = _source.Slice(Position, count);
        Position += count;
        return true;
    }

    private bool Fail(SpopReadResult why, ulong refused)
    {
        Failure = why;
        _refused = refused;
        return false;
    }
}

/// <summary>Why a read of a payload gave nothing. All but <see cref="Success"/> are <see cref="SpopStatus.InvalidFrame"/>.</summary>
public enum SpopReadResult
{
    /// <summary>It was read.</summary>
    Success,

    /// <summary>The bytes end before it does.</summary>
    Truncated,

    /// <summary>An integer of more than ten bytes or more than 64 bits.</summary>
    VarintTooLarge,

    /// <summary>A length that claims more bytes than are left.</summary>
    LengthBeyondEnd,

    /// <summary>One of the data types 10 to 15, which nobody has defined: its size cannot be known.</summary>
    UnknownDataType,

    /// <summary>A 32-bit integer with a value of more bits.</summary>
    OutOfRange,
}
