namespace Sidecar.Protocol.Spop;

/// <summary>HAProxy's integers of variable length, which are neither LEB128 nor those of protobuf (proxy integration §1.3).</summary>
/// <remarks>
/// <code>
///         v &lt; 240   vvvvvvvv
/// 240  &lt;= v &lt; 2288  1111vvvv 0vvvvvvv
/// 2288 &lt;= v         1111vvvv 1vvvvvvv ... 0vvvvvvv
/// </code>
/// The first byte counts whole, the next ones are added at bit 4, 11, 18 and so on, their top bit included: so every value has exactly
/// one form. Pure: no state, any thread.
/// </remarks>
public static class SpopVarint
{
    /// <summary>The most bytes a 64-bit value takes. HAProxy reads on while bytes say so; we do not.</summary>
    public const int MaxSize = 10;

    private const int OneByteEnd = 240;
    private const int FirstBits = 4;
    private const int NextBits = 7;
    private const int More = 1 << NextBits;

    /// <summary>Reads the integer at the start of <paramref name="source"/>.</summary>
    /// <param name="source">The bytes from the integer on.</param>
    /// <param name="value">The value; 0 unless the result is <see cref="SpopReadResult.Success"/>.</param>
    /// <param name="size">The bytes it takes, 1 to <see cref="MaxSize"/>; 0 likewise.</param>
    /// <returns>
    /// <see cref="SpopReadResult.Truncated"/> if it goes on after the last byte, <see cref="SpopReadResult.VarintTooLarge"/> if it
    /// needs more than <see cref="MaxSize"/> bytes or more than 64 bits.
    /// </returns>
    public static SpopReadResult TryRead(ReadOnlySpan<byte> source, out ulong value, out int size)
    {
        value = 0;
        size = 0;
        if (source.IsEmpty)
        {
            return SpopReadResult.Truncated;
        }

        ulong sum = source[0];
        var at = 1;
        if (sum >= OneByteEnd)
        {
            byte next;
            var shift = FirstBits;
            do
            {
                if (at == source.Length)
                {
                    return SpopReadResult.Truncated;
                }

                next = source[at++];
                var part = (ulong)next << shift;
                // The last place has room for four bits only; a byte that says "more" there has its eighth set and fails too.
                if (part >> shift != next || sum + part < sum)
                {
                    return SpopReadResult.VarintTooLarge;
                }

                sum += part;
                shift += NextBits;
            }
            while (next >= More);
        }

        value = sum;
        size = at;
        return SpopReadResult.Success;
    }

    /// <summary>The bytes that <see cref="Write"/> takes for a value, 1 to <see cref="MaxSize"/>.</summary>
    public static int SizeOf(ulong value)
    {
        if (value < OneByteEnd)
        {
            return 1;
        }

        var size = 2;
        for (value = (value - OneByteEnd) >> FirstBits; value >= More; value = (value - More) >> NextBits)
        {
            size++;
        }

        return size;
    }

    /// <summary>Writes a value in its one form.</summary>
    /// <param name="destination">At least <see cref="SizeOf"/> bytes.</param>
    /// <param name="value">Any value; a negative number as its 64-bit two's complement.</param>
    /// <returns>The bytes written.</returns>
    /// <exception cref="IndexOutOfRangeException">The destination is too short.</exception>
    public static int Write(Span<byte> destination, ulong value)
    {
        if (value < OneByteEnd)
        {
            destination[0] = (byte)value;
            return 1;
        }

        destination[0] = (byte)(value | OneByteEnd);
        var at = 1;
        for (value = (value - OneByteEnd) >> FirstBits; value >= More; value = (value - More) >> NextBits)
        {
            destination[at++] = (byte)(value | More);
        }

        destination[at++] = (byte)value;
        return at;
    }
}
