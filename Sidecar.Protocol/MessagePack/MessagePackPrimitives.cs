using System.Buffers.Binary;

namespace Sidecar.Protocol.MessagePack;

/// <summary>
/// Reads single tokens from the front of a span. Every method is pure, allocates nothing and never throws: it returns an outcome,
/// and on <see cref="MessagePackOutcome.Success"/> the value and the bytes it took; otherwise both are default.
/// </summary>
public static partial class MessagePackPrimitives
{
    // Size of the header and width of its length field for the codes 0xC0 to 0xDF, where neither follows from the bits of the code.
    private static ReadOnlySpan<byte> HeaderSizes =>
        [1, 0, 1, 1, 2, 3, 5, 3, 4, 6, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 2, 2, 2, 2, 2, 2, 3, 5, 3, 5, 3, 5];

    private static ReadOnlySpan<byte> LengthWidths =>
        [0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4];

    /// <summary>Reads the header of a value of any kind. The payload of a str, bin or ext need not be there yet.</summary>
    public static MessagePackOutcome TryReadToken(ReadOnlySpan<byte> source, out MessagePackToken token)
    {
        token = default;
        if (source.IsEmpty)
        {
            return MessagePackOutcome.Insufficient;
        }

        byte code = source[0];
        MessagePackKind kind = MessagePackCode.ToKind(code);
        if (code is < MessagePackCode.Nil or >= MessagePackCode.MinNegativeFixInt)
        {
            token = new MessagePackToken(kind, 1, FixLength(code));
            return MessagePackOutcome.Success;
        }

        if (kind == MessagePackKind.Invalid)
        {
            return MessagePackOutcome.Invalid;
        }

        int size = HeaderSize(code);
        if (source.Length < size)
        {
            return MessagePackOutcome.Insufficient;
        }

        token = new MessagePackToken(kind, size, ReadLength(source, code));
        return MessagePackOutcome.Success;
    }

    /// <summary>Reads nil.</summary>
    public static MessagePackOutcome TryReadNil(ReadOnlySpan<byte> source, out int tokenSize)
    {
        tokenSize = 0;
        if (source.IsEmpty)
        {
            return MessagePackOutcome.Insufficient;
        }

        if (source[0] != MessagePackCode.Nil)
        {
            return MessagePackOutcome.Mismatch;
        }

        tokenSize = 1;
        return MessagePackOutcome.Success;
    }

    /// <summary>Reads false or true.</summary>
    public static MessagePackOutcome TryReadBoolean(ReadOnlySpan<byte> source, out bool value, out int tokenSize)
    {
        value = false;
        tokenSize = 0;
        if (source.IsEmpty)
        {
            return MessagePackOutcome.Insufficient;
        }

        if (source[0] is not (MessagePackCode.False or MessagePackCode.True))
        {
            return MessagePackOutcome.Mismatch;
        }

        value = source[0] == MessagePackCode.True;
        tokenSize = 1;
        return MessagePackOutcome.Success;
    }

    /// <summary>Reads the header of an array; the count is the sender's claim, up to 2^32 - 1.</summary>
    public static MessagePackOutcome TryReadArrayHeader(ReadOnlySpan<byte> source, out uint count, out int tokenSize) =>
        TryReadHeader(source, MessagePackKind.Array, out count, out tokenSize);

    /// <summary>Reads the header of a map; the count of pairs is the sender's claim, up to 2^32 - 1.</summary>
    public static MessagePackOutcome TryReadMapHeader(ReadOnlySpan<byte> source, out uint count, out int tokenSize) =>
        TryReadHeader(source, MessagePackKind.Map, out count, out tokenSize);

    /// <summary>Bytes that the header of a value with this code takes; 0 for 0xC1.</summary>
    internal static int HeaderSize(byte code) =>
        code is < MessagePackCode.Nil or >= MessagePackCode.MinNegativeFixInt ? 1 : HeaderSizes[code - MessagePackCode.Nil];

    private static MessagePackOutcome TryReadHeader(ReadOnlySpan<byte> source, MessagePackKind kind, out uint length, out int tokenSize)
    {
        length = 0;
        tokenSize = 0;
        if (source.IsEmpty)
        {
            return MessagePackOutcome.Insufficient;
        }

        byte code = source[0];
        if (MessagePackCode.ToKind(code) != kind)
        {
            return MessagePackOutcome.Mismatch;
        }

        int size = HeaderSize(code);
        if (source.Length < size)
        {
            return MessagePackOutcome.Insufficient;
        }

        length = code < MessagePackCode.Nil ? FixLength(code) : ReadLength(source, code);
        tokenSize = size;
        return MessagePackOutcome.Success;
    }

    private static uint FixLength(byte code) => code switch
    {
        <= MessagePackCode.MaxFixInt or >= MessagePackCode.MinNegativeFixInt => 0,
        <= MessagePackCode.MaxFixArray => code & 0x0Fu,
        _ => code & 0x1Fu,
    };

    private static uint ReadLength(ReadOnlySpan<byte> source, byte code) => LengthWidths[code - MessagePackCode.Nil] switch
    {
        1 => source[1],
        2 => BinaryPrimitives.ReadUInt16BigEndian(source[1..]),
        4 => BinaryPrimitives.ReadUInt32BigEndian(source[1..]),
        _ => code is >= MessagePackCode.FixExt1 and <= MessagePackCode.FixExt16 ? 1u << (code - MessagePackCode.FixExt1) : 0,
    };
}
