using System.Buffers.Binary;

namespace Sidecar.Protocol.MessagePack;

public static partial class MessagePackPrimitives
{
    private const int Seconds34Bits = 34;

    /// <summary>Reads a str; the bytes are those of the source and are not checked to be UTF-8.</summary>
    public static MessagePackOutcome TryReadString(ReadOnlySpan<byte> source, out ReadOnlySpan<byte> utf8, out int tokenSize)
    {
        // Keys of maps are nearly always this short.
        if (!source.IsEmpty && source[0] is >= MessagePackCode.MinFixStr and <= MessagePackCode.MaxFixStr)
        {
            int size = 1 + (source[0] & 0x1F);
            if (source.Length >= size)
            {
                utf8 = source[1..size];
                tokenSize = size;
                return MessagePackOutcome.Success;
            }
        }

        return TryReadPayload(source, MessagePackKind.String, out utf8, out tokenSize);
    }

    /// <summary>Reads a bin; the bytes are those of the source.</summary>
    public static MessagePackOutcome TryReadBinary(ReadOnlySpan<byte> source, out ReadOnlySpan<byte> bytes, out int tokenSize) =>
        TryReadPayload(source, MessagePackKind.Binary, out bytes, out tokenSize);

    /// <summary>Reads an ext of any type code (application codes are 0 to 127); the payload is a part of the source.</summary>
    public static MessagePackOutcome TryReadExtension(
        ReadOnlySpan<byte> source, out sbyte typeCode, out ReadOnlySpan<byte> payload, out int tokenSize)
    {
        typeCode = 0;
        MessagePackOutcome outcome = TryReadPayload(source, MessagePackKind.Extension, out payload, out tokenSize);
        if (outcome == MessagePackOutcome.Success)
        {
            typeCode = (sbyte)source[tokenSize - payload.Length - 1];
        }

        return outcome;
    }

    /// <summary>
    /// Reads a timestamp in any of its three forms; an ext of another type code does not match, and one of another length
    /// or with more nanoseconds than a second has is invalid.
    /// </summary>
    /// <remarks>
    /// <code>
    /// 32  u32 seconds
    /// 64  u30 nanoseconds | u34 seconds
    /// 96  u32 nanoseconds | i64 seconds
    /// </code>
    /// </remarks>
    public static MessagePackOutcome TryReadTimestamp(ReadOnlySpan<byte> source, out MessagePackTimestamp value, out int tokenSize)
    {
        value = default;
        MessagePackOutcome outcome = TryReadExtension(source, out sbyte typeCode, out ReadOnlySpan<byte> payload, out int size);
        tokenSize = 0;
        if (outcome != MessagePackOutcome.Success)
        {
            return outcome;
        }

        if (typeCode != MessagePackTimestamp.TypeCode)
        {
            return MessagePackOutcome.Mismatch;
        }

        long seconds;
        uint nanoseconds;
        switch (payload.Length)
        {
            case 4:
                (seconds, nanoseconds) = (BinaryPrimitives.ReadUInt32BigEndian(payload), 0);
                break;
            case 8:
                ulong both = BinaryPrimitives.ReadUInt64BigEndian(payload);
                (seconds, nanoseconds) = ((long)(both & ((1UL << Seconds34Bits) - 1)), (uint)(both >> Seconds34Bits));
                break;
            case 12:
                (seconds, nanoseconds) = (BinaryPrimitives.ReadInt64BigEndian(payload[4..]), BinaryPrimitives.ReadUInt32BigEndian(payload));
                break;
            default:
                return MessagePackOutcome.Invalid;
        }

        if (nanoseconds > MessagePackTimestamp.MaxNanoseconds)
        {
            return MessagePackOutcome.Invalid;
        }

        value = new MessagePackTimestamp(seconds, nanoseconds);
        tokenSize = size;
        return MessagePackOutcome.Success;
    }

    private static MessagePackOutcome TryReadPayload(
        ReadOnlySpan<byte> source, MessagePackKind kind, out ReadOnlySpan<byte> payload, out int tokenSize)
    {
        payload = default;
        MessagePackOutcome outcome = TryReadHeader(source, kind, out uint length, out int headerSize);
        tokenSize = 0;
        if (outcome != MessagePackOutcome.Success)
        {
            return outcome;
        }

        // Unsigned against what is left, so that a length of 2 GiB and more is never taken for a negative one.
        if (length > (uint)(source.Length - headerSize))
        {
            return MessagePackOutcome.Insufficient;
        }

        payload = source.Slice(headerSize, (int)length);
        tokenSize = headerSize + (int)length;
        return MessagePackOutcome.Success;
    }
}
