namespace Sidecar.Protocol.MessagePack;

/// <summary>The families of values that a leading byte can announce.</summary>
public enum MessagePackKind
{
    /// <summary>The code 0xC1, which the format never uses.</summary>
    Invalid,

    /// <summary>The value nil.</summary>
    Nil,

    /// <summary>False or true.</summary>
    Boolean,

    /// <summary>A signed or unsigned integer of any width.</summary>
    Integer,

    /// <summary>An IEEE 754 number of 32 or 64 bits.</summary>
    Float,

    /// <summary>A str: bytes that ought to be UTF-8.</summary>
    String,

    /// <summary>A bin: arbitrary bytes.</summary>
    Binary,

    /// <summary>A sequence of values.</summary>
    Array,

    /// <summary>A sequence of key and value pairs.</summary>
    Map,

    /// <summary>An ext: a type code and arbitrary bytes; the type code -1 is the timestamp.</summary>
    Extension,
}
