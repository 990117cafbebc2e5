namespace Sidecar.Protocol.Spop;

/// <summary>One typed value (proxy integration §1.4), read in place or to be written. Nothing is boxed or copied.</summary>
/// <remarks>The bytes lie where they were read from, and live as long.</remarks>
public readonly ref struct SpopValue
{
    /// <summary>The bytes of an <see cref="SpopDataType.IPv4"/>.</summary>
    internal const int IPv4Size = 4;

    /// <summary>The bytes of an <see cref="SpopDataType.IPv6"/>.</summary>
    internal const int IPv6Size = 16;

    private SpopValue(SpopDataType type, ulong bits, ReadOnlySpan<byte> bytes)
    {
        Type = type;
        Bits = bits;
        Bytes = bytes;
    }

    /// <summary>No value: what an absent sample arrives as, and what unsets a variable.</summary>
    public static SpopValue Null => default;

    /// <summary>What the value is.</summary>
    public SpopDataType Type { get; }

    /// <summary>The bytes of a string, a binary or an address in network order; empty for all other types.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Whether there is no value.</summary>
    public bool IsNull => Type == SpopDataType.Null;

    /// <summary>Whether <see cref="Bytes"/> are a string or a binary; which of the two a sample is, is HAProxy's choice.</summary>
    public bool IsBytes => Type is SpopDataType.String or SpopDataType.Binary;

    /// <summary>Whether <see cref="Bytes"/> are an address.</summary>
    public bool IsAddress => Type is SpopDataType.IPv4 or SpopDataType.IPv6;

    /// <summary>The bytes it takes in a frame, with its type.</summary>
    public int EncodedSize => 1 + Type switch
    {
        SpopDataType.Null or SpopDataType.Boolean => 0,
        SpopDataType.IPv4 => IPv4Size,
        SpopDataType.IPv6 => IPv6Size,
        SpopDataType.String or SpopDataType.Binary => SpopVarint.SizeOf((ulong)Bytes.Length) + Bytes.Length,
        _ => SpopVarint.SizeOf(Bits),
    };

    /// <summary>A number in 64-bit two's complement, or 1 for true.</summary>
    internal ulong Bits { get; }

    /// <summary>True or false.</summary>
    public static SpopValue Boolean(bool value) => new(SpopDataType.Boolean, value ? 1u : 0u, default);

    /// <summary>A signed integer of 32 bits.</summary>
    public static SpopValue Int32(int value) => new(SpopDataType.Int32, (ulong)(long)value, default);

    /// <summary>An unsigned integer of 32 bits.</summary>
    public static SpopValue UInt32(uint value) => new(SpopDataType.UInt32, value, default);

    /// <summary>A signed integer of 64 bits.</summary>
    public static SpopValue Int64(long value) => new(SpopDataType.Int64, (ulong)value, default);

    /// <summary>An unsigned integer of 64 bits.</summary>
    public static SpopValue UInt64(ulong value) => new(SpopDataType.UInt64, value, default);

    /// <summary>Text, in any encoding.</summary>
    public static SpopValue String(ReadOnlySpan<byte> bytes) => new(SpopDataType.String, 0, bytes);

    /// <summary>Bytes.</summary>
    public static SpopValue Binary(ReadOnlySpan<byte> bytes) => new(SpopDataType.Binary, 0, bytes);

    /// <summary>An address in network order.</summary>
    /// <param name="bytes">4 bytes for IPv4, 16 for IPv6.</param>
    /// <exception cref="ArgumentException">Another number of bytes.</exception>
    public static SpopValue Address(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        IPv4Size => new(SpopDataType.IPv4, 0, bytes),
        IPv6Size => new(SpopDataType.IPv6, 0, bytes),
        _ => throw new ArgumentException($"An address has {IPv4Size} or {IPv6Size} bytes, not {bytes.Length}.", nameof(bytes)),
    };

    /// <summary>The value of a boolean.</summary>
    /// <returns>Whether it is one.</returns>
    public bool TryGetBoolean(out bool value)
    {
        value = Type == SpopDataType.Boolean && Bits != 0;
        return Type == SpopDataType.Boolean;
    }

    /// <summary>The value of an integer of any type.</summary>
    /// <returns>Whether it is an integer and fits.</returns>
    public bool TryGetInt64(out long value)
    {
        var fits = Type is SpopDataType.Int32 or SpopDataType.UInt32 or SpopDataType.Int64
            || (Type == SpopDataType.UInt64 && Bits <= long.MaxValue);
        value = fits ? (long)Bits : 0;
        return fits;
    }

    /// <summary>The value of an integer of any type that is not negative.</summary>
    /// <returns>Whether it is one.</returns>
    public bool TryGetUInt64(out ulong value)
    {
        var fits = Type is SpopDataType.UInt32 or SpopDataType.UInt64
            || (Type is SpopDataType.Int32 or SpopDataType.Int64 && Bits <= long.MaxValue);
        value = fits ? Bits : 0;
        return fits;
    }

    /// <summary>A value as it was read, its range already checked.</summary>
    internal static SpopValue Read(SpopDataType type, ulong bits, ReadOnlySpan<byte> bytes) => new(type, bits, bytes);
}

/// <summary>The type of a value: the low nibble of its first byte (proxy integration §1.4).</summary>
public enum SpopDataType : byte
{
    /// <summary>No value, such as the query of a request that has none.</summary>
    Null = 0,

    /// <summary>True or false, in bit 0 of the high nibble.</summary>
    Boolean = 1,

    /// <summary>Signed, 32 bits.</summary>
    Int32 = 2,

    /// <summary>Unsigned, 32 bits.</summary>
    UInt32 = 3,

    /// <summary>Signed, 64 bits: what HAProxy sends for all its integers.</summary>
    Int64 = 4,

    /// <summary>Unsigned, 64 bits.</summary>
    UInt64 = 5,

    /// <summary>Four bytes.</summary>
    IPv4 = 6,

    /// <summary>Sixteen bytes.</summary>
    IPv6 = 7,

    /// <summary>Bytes meant as text, of no stated encoding.</summary>
    String = 8,

    /// <summary>Bytes.</summary>
    Binary = 9,
}
