namespace Sidecar.Protocol.MessagePack;

/// <summary>The leading bytes of the MessagePack format and the ranges they form.</summary>
/// <remarks>
/// <code>
/// 00..7F  positive fixint      C4 C5 C6  bin 8 16 32     D4..D8    fixext 1 2 4 8 16
/// 80..8F  fixmap               C7 C8 C9  ext 8 16 32     D9 DA DB  str 8 16 32
/// 90..9F  fixarray             CA CB     float 32 64     DC DD     array 16 32
/// A0..BF  fixstr               CC..CF    uint 8..64      DE DF     map 16 32
/// C0      nil                  D0..D3    int 8..64       E0..FF    negative fixint
/// C1      never used
/// C2 C3   false, true
/// </code>
/// </remarks>
public static class MessagePackCode
{
    // Every token asks for its kind: one load instead of a tree of comparisons.
    private static readonly MessagePackKind[] Kinds = [.. Enumerable.Range(0, 256).Select(code => KindOf((byte)code))];

    /// <summary>Largest leading byte that is itself a positive integer (from 0x00).</summary>
    public const byte MaxFixInt = 0x7F;

    /// <summary>A map of no pairs; the low four bits hold the count.</summary>
    public const byte MinFixMap = 0x80;

    /// <summary>A map of 15 pairs.</summary>
    public const byte MaxFixMap = 0x8F;

    /// <summary>An array of no elements; the low four bits hold the count.</summary>
    public const byte MinFixArray = 0x90;

    /// <summary>An array of 15 elements.</summary>
    public const byte MaxFixArray = 0x9F;

    /// <summary>A str of no bytes; the low five bits hold the length.</summary>
    public const byte MinFixStr = 0xA0;

    /// <summary>A str of 31 bytes.</summary>
    public const byte MaxFixStr = 0xBF;

    /// <summary>Nil.</summary>
    public const byte Nil = 0xC0;

    /// <summary>Never used by the format.</summary>
    public const byte NeverUsed = 0xC1;

    /// <summary>False.</summary>
    public const byte False = 0xC2;

    /// <summary>True.</summary>
    public const byte True = 0xC3;

    /// <summary>A bin with a length of 8 bits.</summary>
    public const byte Bin8 = 0xC4;

    /// <summary>A bin with a length of 16 bits.</summary>
    public const byte Bin16 = 0xC5;

    /// <summary>A bin with a length of 32 bits.</summary>
    public const byte Bin32 = 0xC6;

    /// <summary>An ext with a length of 8 bits.</summary>
    public const byte Ext8 = 0xC7;

    /// <summary>An ext with a length of 16 bits.</summary>
    public const byte Ext16 = 0xC8;

    /// <summary>An ext with a length of 32 bits.</summary>
    public const byte Ext32 = 0xC9;

    /// <summary>A float of 32 bits.</summary>
    public const byte Float32 = 0xCA;

    /// <summary>A float of 64 bits.</summary>
    public const byte Float64 = 0xCB;

    /// <summary>An unsigned integer of 8 bits.</summary>
    public const byte UInt8 = 0xCC;

    /// <summary>An unsigned integer of 16 bits.</summary>
    public const byte UInt16 = 0xCD;

    /// <summary>An unsigned integer of 32 bits.</summary>
    public const byte UInt32 = 0xCE;

    /// <summary>An unsigned integer of 64 bits.</summary>
    public const byte UInt64 = 0xCF;

    /// <summary>A signed integer of 8 bits.</summary>
    public const byte Int8 = 0xD0;

    /// <summary>A signed integer of 16 bits.</summary>
    public const byte Int16 = 0xD1;

    /// <summary>A signed integer of 32 bits.</summary>
    public const byte Int32 = 0xD2;

    /// <summary>A signed integer of 64 bits.</summary>
    public const byte Int64 = 0xD3;

    /// <summary>An ext of 1 byte.</summary>
    public const byte FixExt1 = 0xD4;

    /// <summary>An ext of 2 bytes.</summary>
    public const byte FixExt2 = 0xD5;

    /// <summary>An ext of 4 bytes.</summary>
    public const byte FixExt4 = 0xD6;

    /// <summary>An ext of 8 bytes.</summary>
    public const byte FixExt8 = 0xD7;

    /// <summary>An ext of 16 bytes.</summary>
    public const byte FixExt16 = 0xD8;

    /// <summary>A str with a length of 8 bits.</summary>
    public const byte Str8 = 0xD9;

    /// <summary>A str with a length of 16 bits.</summary>
    public const byte Str16 = 0xDA;

    /// <summary>A str with a length of 32 bits.</summary>
    public const byte Str32 = 0xDB;

    /// <summary>An array with a count of 16 bits.</summary>
    public const byte Array16 = 0xDC;

    /// <summary>An array with a count of 32 bits.</summary>
    public const byte Array32 = 0xDD;

    /// <summary>A map with a count of 16 bits.</summary>
    public const byte Map16 = 0xDE;

    /// <summary>A map with a count of 32 bits.</summary>
    public const byte Map32 = 0xDF;

    /// <summary>The integer -32; from here to 0xFF the leading byte is itself a negative integer.</summary>
    public const byte MinNegativeFixInt = 0xE0;

    /// <summary>The kind of value that a leading byte announces.</summary>
    public static MessagePackKind ToKind(byte code) => Kinds[code];

    private static MessagePackKind KindOf(byte code) => code switch
    {
        <= MaxFixInt or >= MinNegativeFixInt => MessagePackKind.Integer,
        <= MaxFixMap => MessagePackKind.Map,
        <= MaxFixArray => MessagePackKind.Array,
        <= MaxFixStr => MessagePackKind.String,
        Nil => MessagePackKind.Nil,
        NeverUsed => MessagePackKind.Invalid,
        <= True => MessagePackKind.Boolean,
        <= Bin32 => MessagePackKind.Binary,
        <= Ext32 => MessagePackKind.Extension,
        <= Float64 => MessagePackKind.Float,
        <= Int64 => MessagePackKind.Integer,
        <= FixExt16 => MessagePackKind.Extension,
        <= Str32 => MessagePackKind.String,
        <= Array32 => MessagePackKind.Array,
        _ => MessagePackKind.Map,
    };
}
