namespace Sidecar.Protocol.Spop;

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
