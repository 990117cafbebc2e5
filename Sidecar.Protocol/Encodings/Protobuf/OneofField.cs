using System.Buffers;

namespace Sidecar.Protocol.Encodings.Protobuf;

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
