using System.Buffers;

namespace Sidecar.Protocol.Grpc.Mapping;

/// <summary>Finds out which member of a oneof a message has, without reading the member.</summary>
internal static class OneofField
{
    private const int MostVarintBytes = 10;
    private const int MostTagBytes = 5;
    private const int Length = 2;

    /// <summary>Walks over the fields of a message.</summary>
    /// <param name="message">The message, not copied.</param>
    /// <param name="highest">The members are the fields 1 to this one.</param>
    /// <param name="field">The last of them, which is the one that counts; 0 when there is none, as in a message of a later version.</param>
    /// <returns>False when the bytes are no message.</returns>
    public static bool TryFind(in ReadOnlySequence<byte> message, int highest, out int field)
    {
        field = 0;
        var reader = new SequenceReader<byte>(message);
        while (!reader.End)
        {
            // A tag has 32 bits. A parser that drops the others would find another member than the one named here.
            if (!TryReadVarint(ref reader, MostTagBytes, out var tag) || tag >> 3 == 0 || tag > uint.MaxValue || !TrySkip(ref reader, (int)(tag & 7)))
            {
                return false;
            }

            // With another wire type it is a field that nobody knows, to a parser too.
            var number = tag >> 3;
            field = number <= (uint)highest && (tag & 7) == Length ? (int)number : field;
        }

        return true;
    }

    private static bool TrySkip(ref SequenceReader<byte> reader, int wireType)
    {
        ulong length;
        switch (wireType)
        {
            case 0:
                return TryReadVarint(ref reader, MostVarintBytes, out _);
            case 1:
                length = sizeof(ulong);
                break;
            case Length when TryReadVarint(ref reader, MostVarintBytes, out length):
                break;
            case 5:
                length = sizeof(uint);
                break;
            default:
                // Groups have been out of use since before this protocol.
                return false;
        }

        if (length > (ulong)reader.Remaining)
        {
            return false;
        }

        reader.Advance((long)length);
        return true;
    }

    private static bool TryReadVarint(ref SequenceReader<byte> reader, int mostBytes, out ulong value)
    {
        value = 0;
        for (var i = 0; i < mostBytes; i++)
        {
            if (!reader.TryRead(out var b))
            {
                return false;
            }

            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
