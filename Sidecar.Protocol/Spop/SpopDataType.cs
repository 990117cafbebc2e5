namespace Sidecar.Protocol.Spop;

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
