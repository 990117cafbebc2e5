using System.Buffers.Binary;
using System.Numerics;

namespace Sidecar.Protocol.MessagePack;

public static partial class MessagePackPrimitives
{
    /// <summary>Reads an integer of any width and signedness whose value fits <typeparamref name="T"/>; floats do not match.</summary>
    /// <typeparam name="T">A built-in integer of at most 64 bits.</typeparam>
    public static MessagePackOutcome TryReadInteger<T>(ReadOnlySpan<byte> source, out T value, out int tokenSize)
        where T : struct, IBinaryInteger<T>
    {
        if (!source.IsEmpty && source[0] <= MessagePackCode.MaxFixInt)
        {
            value = T.CreateTruncating(source[0]);
            tokenSize = 1;
            return MessagePackOutcome.Success;
        }

        MessagePackOutcome outcome = TryReadBits(source, out long bits, out bool negative, out tokenSize);
        value = T.CreateTruncating(bits);

        // The value survived the cut when it widens to the same bits and kept its sign; this also tells -1 from 2^64 - 1.
        if (outcome == MessagePackOutcome.Success && (long.CreateTruncating(value) != bits || T.IsNegative(value) != negative))
        {
            value = default;
            tokenSize = 0;
            return MessagePackOutcome.Overflow;
        }

        return outcome;
    }

    /// <summary>Reads a float of either width, or an integer; those beyond 2^53 are rounded to the nearest double.</summary>
    public static MessagePackOutcome TryReadDouble(ReadOnlySpan<byte> source, out double value, out int tokenSize)
    {
        if (!source.IsEmpty && source[0] == MessagePackCode.Float64)
        {
            bool complete = BinaryPrimitives.TryReadDoubleBigEndian(source[1..], out value);
            tokenSize = complete ? 1 + sizeof(double) : 0;
            return complete ? MessagePackOutcome.Success : MessagePackOutcome.Insufficient;
        }

        if (!source.IsEmpty && source[0] == MessagePackCode.Float32)
        {
            bool complete = BinaryPrimitives.TryReadSingleBigEndian(source[1..], out float single);
            value = single;
            tokenSize = complete ? 1 + sizeof(float) : 0;
            return complete ? MessagePackOutcome.Success : MessagePackOutcome.Insufficient;
        }

        MessagePackOutcome outcome = TryReadBits(source, out long bits, out bool negative, out tokenSize);
        value = negative ? bits : (ulong)bits;
        return outcome;
    }

    /// <summary>Reads a float of either width, or an integer, rounded to a float; a finite number beyond its range overflows.</summary>
    public static MessagePackOutcome TryReadSingle(ReadOnlySpan<byte> source, out float value, out int tokenSize)
    {
        MessagePackOutcome outcome = TryReadDouble(source, out double wide, out tokenSize);
        value = (float)wide;
        if (float.IsInfinity(value) && double.IsFinite(wide))
        {
            value = 0;
            tokenSize = 0;
            return MessagePackOutcome.Overflow;
        }

        return outcome;
    }

    /// <summary>Reads any integer as 64 bits; the bits are a two's complement if <paramref name="negative"/>, else unsigned.</summary>
    private static MessagePackOutcome TryReadBits(ReadOnlySpan<byte> source, out long bits, out bool negative, out int tokenSize)
    {
        bits = 0;
        negative = false;
        tokenSize = 0;
        if (source.IsEmpty)
        {
            return MessagePackOutcome.Insufficient;
        }

        byte code = source[0];
        if (MessagePackCode.ToKind(code) != MessagePackKind.Integer)
        {
            return MessagePackOutcome.Mismatch;
        }

        int size = HeaderSize(code);
        if (source.Length < size)
        {
            return MessagePackOutcome.Insufficient;
        }

        ReadOnlySpan<byte> payload = source[1..];
        bits = code switch
        {
            MessagePackCode.UInt8 => payload[0],
            MessagePackCode.UInt16 => BinaryPrimitives.ReadUInt16BigEndian(payload),
            MessagePackCode.UInt32 => BinaryPrimitives.ReadUInt32BigEndian(payload),
            MessagePackCode.UInt64 => (long)BinaryPrimitives.ReadUInt64BigEndian(payload),
            MessagePackCode.Int8 => (sbyte)payload[0],
            MessagePackCode.Int16 => BinaryPrimitives.ReadInt16BigEndian(payload),
            MessagePackCode.Int32 => BinaryPrimitives.ReadInt32BigEndian(payload),
            MessagePackCode.Int64 => BinaryPrimitives.ReadInt64BigEndian(payload),
            _ => (sbyte)code,
        };
        negative = bits < 0 && code != MessagePackCode.UInt64;
        tokenSize = size;
        return MessagePackOutcome.Success;
    }
}
