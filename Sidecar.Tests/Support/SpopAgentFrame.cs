using System.Buffers.Binary;

namespace Sidecar.Tests.Support;

/// <summary>A frame that an agent sent, as HAProxy takes it: checked as HAProxy checks it, and copied.</summary>
internal sealed record SpopAgentFrame(byte Type, ulong StreamId, ulong FrameId, byte[] Payload)
{
    public const byte Hello = 101;
    public const byte Disconnect = 102;
    public const byte Ack = 103;

    /// <summary>The version, size and capabilities of an AGENT-HELLO, or the code and message of an AGENT-DISCONNECT.</summary>
    public Dictionary<string, object?> Items => new SpopBytes(Payload).ReadItems();

    /// <summary>The actions of an ACK.</summary>
    public IReadOnlyList<SpopAction> Actions
    {
        get
        {
            var actions = new List<SpopAction>();
            for (var reader = new SpopBytes(Payload); !reader.End;)
            {
                var isSet = (reader.ReadByte(), reader.ReadByte()) switch
                {
                    (1, 3) => true,
                    (2, 2) => false,
                    var (action, arguments) => throw new InvalidDataException($"HAProxy knows no action {action}/{arguments}."),
                };
                actions.Add(new(isSet, reader.ReadByte(), reader.ReadString(), isSet ? reader.ReadValue() : null));
            }

            return actions;
        }
    }

    /// <summary>Takes the first frame off <paramref name="received"/>; null if it is not whole yet.</summary>
    /// <exception cref="InvalidDataException">HAProxy would disconnect.</exception>
    public static SpopAgentFrame? TryTake(ref byte[] received, int maxFrameSize)
    {
        if (received.Length < 4)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(received);
        if (length > maxFrameSize)
        {
            throw new InvalidDataException($"The agent's frame has {length} bytes; {maxFrameSize} were agreed.");
        }

        if (received.Length - 4 < length)
        {
            return null;
        }

        var frame = Parse(received[4..(4 + (int)length)]);
        received = received[(4 + (int)length)..];
        return frame;
    }

    private static SpopAgentFrame Parse(byte[] body)
    {
        var reader = new SpopBytes(body);
        var type = reader.ReadByte();
        var flags = BinaryPrimitives.ReadUInt32BigEndian(reader.ReadBytes(4));
        var streamId = reader.ReadVarint();
        var frameId = reader.ReadVarint();
        if (type is not (Hello or Disconnect or Ack) || flags != 1 || (type != Ack && streamId + frameId != 0))
        {
            throw new InvalidDataException($"Type {type}, flags {flags}, ids {streamId}/{frameId}: HAProxy does not take it.");
        }

        var header = 5 + SpopBytes.Varint(streamId).Length + SpopBytes.Varint(frameId).Length;
        return new(type, streamId, frameId, body[header..]);
    }
}
