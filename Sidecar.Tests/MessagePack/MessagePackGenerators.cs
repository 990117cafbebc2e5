using System.Numerics;
using FsCheck;
using FsCheck.Fluent;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

/// <summary>Random MessagePack trees, and bytes that are random or nearly a message.</summary>
internal static class MessagePackGenerators
{
    private const int MaxChildren = 20;
    private const int MaxLevels = 5;

    private static readonly Gen<byte> Byte = Gen.Choose(0, byte.MaxValue).Select(value => (byte)value);

    /// <summary>Bit patterns of every magnitude, so that every width is met.</summary>
    private static readonly Gen<ulong> Bits =
        from high in Gen.Choose(0, int.MaxValue)
        from low in Gen.Choose(int.MinValue, int.MaxValue)
        from shift in Gen.Choose(0, 63)
        select (((ulong)high << 33) | (uint)low) >> shift;

    private static readonly Gen<MessagePackNode> Leaf = Gen.OneOf(
        Gen.Constant(new MessagePackNode(MessagePackKind.Nil, null)),
        Gen.Elements(true, false).Select(value => new MessagePackNode(MessagePackKind.Boolean, value)),
        Bits.Select(value => MessagePackNode.Integer(value)),
        Bits.Select(value => MessagePackNode.Integer(-(BigInteger)(value >> 1) - 1)),
        Bits.Select(value => new MessagePackNode(MessagePackKind.Float, BitConverter.UInt64BitsToDouble(value))),
        Gen.Elements('a', '"', 'é', '€', '漢').ArrayOf().Select(value => new MessagePackNode(MessagePackKind.String, new string(value))),
        Byte.ArrayOf().Select(value => new MessagePackNode(MessagePackKind.Binary, value)),
        from typeCode in Byte
        from payload in Byte.ArrayOf()
        select MessagePackNode.Extension((sbyte)typeCode, payload));

    public static Arbitrary<MessagePackNode> Nodes() => Node(MaxLevels).ToArbitrary();

    public static Arbitrary<byte[]> Messages() => Gen.Frequency(
        (1, Byte.ArrayOf()),
        (1, Gen.Choose(0x80, byte.MaxValue).Select(value => (byte)value).ArrayOf()),
        (2, Damaged())).ToArbitrary();

    private static Gen<MessagePackNode> Node(int levels)
    {
        if (levels == 0)
        {
            return Leaf;
        }

        Gen<MessagePackNode> container =
            from count in Gen.Choose(0, MaxChildren)
            from children in Gen.Frequency((3, Leaf), (1, Node(levels - 1))).ArrayOf(count)
            from map in Gen.Elements(true, false)
            select map && count % 2 == 0
                ? new MessagePackNode(MessagePackKind.Map, null, children)
                : new MessagePackNode(MessagePackKind.Array, null, children);
        return Gen.Frequency((1, Leaf), (2, container));
    }

    /// <summary>A message with one byte changed and its end cut: what reaches past the first checks.</summary>
    private static Gen<byte[]> Damaged() =>
        from node in Node(2)
        from position in Gen.Choose(0, int.MaxValue)
        from value in Byte
        from cut in Gen.Choose(0, 3)
        select Damage(MessagePackBytes.Write((ref MessagePackWriter writer) => node.Write(ref writer)), position, value, cut);

    private static byte[] Damage(byte[] message, int position, byte value, int cut)
    {
        message[position % message.Length] = value;
        return message[..Math.Max(0, message.Length - cut)];
    }
}
