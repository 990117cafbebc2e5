using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>
/// Checks, before a message is parsed, that each of its fields ends inside the message it belongs to. Immutable, any thread.
/// </summary>
/// <remarks>
/// Google.Protobuf 3.25 adds a length near 2 GiB to its position in 32 bits and believes the negative sum: ten bytes of a peer then cost
/// hundreds of MiB, or what its arrays throw. Newer releases refuse text that is no UTF-8, which agents must be shown, so the lengths are
/// looked at here.
/// </remarks>
internal sealed class WireShape
{
    // The parser's own.
    private const int MaxDepth = 100;

    // By field number; null for a field that is no message.
    private WireShape?[] _members = [];

    private WireShape()
    {
    }

    /// <summary>The shape of what a parser reads.</summary>
    public static WireShape Of<T>(MessageParser<T> parser)
        where T : IMessage<T> => Cache<T>.Shape ??= Make(parser.ParseFrom([]).Descriptor, []);

    /// <summary>Whether bytes can be a message of this shape, so that they may be parsed.</summary>
    public bool Fits(in ReadOnlySequence<byte> message)
    {
        var reader = new SequenceReader<byte>(message);
        return Fits(ref reader, message.Length, depth: 0);
    }

    private bool Fits(ref SequenceReader<byte> reader, long end, int depth)
    {
        while (reader.Consumed < end)
        {
            if (!WireField.TryRead(ref reader, end, out var number, out var length))
            {
                return false;
            }

            if (length >= 0 && number < _members.Length && _members[number] is { } member)
            {
                if (depth == MaxDepth || !member.Fits(ref reader, reader.Consumed + length, depth + 1))
                {
                    return false;
                }
            }
            else if (length > 0)
            {
                reader.Advance(length);
            }
        }

        return true;
    }

    // A message may hold itself.
    private static WireShape Make(MessageDescriptor descriptor, Dictionary<MessageDescriptor, WireShape> made)
    {
        if (made.TryGetValue(descriptor, out var shape))
        {
            return shape;
        }

        made.Add(descriptor, shape = new WireShape());
        var fields = descriptor.Fields.InFieldNumberOrder().Where(static field => field.FieldType == FieldType.Message).ToList();
        var members = new WireShape?[fields.Count == 0 ? 0 : fields[^1].FieldNumber + 1];
        foreach (var field in fields)
        {
            members[field.FieldNumber] = Make(field.MessageType, made);
        }

        shape._members = members;
        return shape;
    }

    private static class Cache<T>
    {
        public static WireShape? Shape { get; set; }
    }
}
