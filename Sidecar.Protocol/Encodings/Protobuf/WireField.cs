namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Reads the fields of a protobuf message without knowing its type. Pure: no state, no allocation, any thread.</summary>
internal static class WireField
{
    private const int MostVarintBytes = 10;
    private const int MostTagBytes = 5;
    private const int TypeBits = 3;

    /// <summary>Reads one field: past a number, and up to the bytes of a text or message.</summary>
    /// <param name="reader">Where a tag begins.</param>
    /// <param name="end">Where the message ends, counted as the reader counts what it consumed.</param>
    /// <param name="number">The field's number.</param>
    /// <param name="length">How many bytes come now, which lie inside the message; -1 when the field was a number, which was read.</param>
    /// <returns>False when the bytes are no field: none that parsers read alike, a group, or one that reaches beyond the message.</returns>
    public static bool TryRead(ref SequenceReader<byte> reader, long end, out int number, out long length)
    {
        (number, length) = (0, -1);

        // A tag has 32 bits. A parser that drops the others would find another field than the one named here.
        if (!TryReadVarint(ref reader, MostTagBytes, out var tag) || tag >> TypeBits == 0 || tag > uint.MaxValue)
        {
            return false;
        }

        number = (int)(tag >> TypeBits);
        switch (tag & 7)
        {
            case 0:
                return TryReadVarint(ref reader, MostVarintBytes, out _) && reader.Consumed <= end;
            case 1:
                return TryAdvance(ref reader, end, sizeof(ulong));
            case 2 when TryReadVarint(ref reader, MostVarintBytes, out var bytes) && reader.Consumed <= end
                && bytes <= (ulong)(end - reader.Consumed):
                length = (long)bytes;
                return true;
            case 5:
                return TryAdvance(ref reader, end, sizeof(uint));
            default:
                // Groups have been out of use since before these protocols.
                return false;
        }
    }

    private static bool TryAdvance(ref SequenceReader<byte> reader, long end, int count)
    {
        if (end - reader.Consumed < count)
        {
            return false;
        }

        reader.Advance(count);
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

/// <summary>Finds out which member of a oneof a message has, without reading the member.</summary>
internal static class OneofField
{
    /// <summary>Walks over the fields of a message.</summary>
    /// <param name="message">The message, not copied.</param>
    /// <param name="highest">The members are the fields 1 to this one.</param>
    /// <param name="field">
    /// The last of them, which is the one that counts; 0 when there is none, as in a message of a later version.
    /// </param>
    /// <returns>False when the bytes are no message.</returns>
    public static bool TryFind(in ReadOnlySequence<byte> message, int highest, out int field)
    {
        field = 0;
        var reader = new SequenceReader<byte>(message);
        while (!reader.End)
        {
            if (!WireField.TryRead(ref reader, message.Length, out var number, out var length))
            {
                return false;
            }

            // A number in the place of a member is a field that nobody knows, to a parser too.
            if (length >= 0)
            {
                field = number <= highest ? number : field;
                reader.Advance(length);
            }
        }

        return true;
    }
}
