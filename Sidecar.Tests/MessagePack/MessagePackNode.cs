using System.Globalization;
using System.Numerics;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

/// <summary>Any MessagePack value as a tree, to be written, read back and compared by its text.</summary>
internal sealed class MessagePackNode(MessagePackKind kind, object? value, params MessagePackNode[] children)
{
    public MessagePackKind Kind { get; } = kind;

    public object? Value { get; } = value;

    /// <summary>Elements of an array; keys and values of a map in turns.</summary>
    public MessagePackNode[] Children { get; } = children;

    public static MessagePackNode Integer(BigInteger value) => new(MessagePackKind.Integer, value);

    public static MessagePackNode Extension(sbyte typeCode, byte[] payload) => new(MessagePackKind.Extension, (typeCode, payload));

    public static MessagePackNode Read(ReadOnlySpan<byte> message)
    {
        var reader = new MessagePackReader(message);
        return Read(ref reader);
    }

    public static MessagePackNode Read(ref MessagePackReader reader)
    {
        MessagePackKind kind = reader.NextKind;
        switch (kind)
        {
            case MessagePackKind.Boolean:
                return new MessagePackNode(kind, reader.ReadBoolean());
            case MessagePackKind.Integer:
                return Integer(ReadInteger(ref reader));
            case MessagePackKind.Float:
                return new MessagePackNode(kind, reader.ReadDouble());
            case MessagePackKind.String:
                return new MessagePackNode(kind, reader.ReadString());
            case MessagePackKind.Binary:
                return new MessagePackNode(kind, reader.ReadBinary().ToArray());
            case MessagePackKind.Extension:
                byte[] payload = reader.ReadExtension(out sbyte typeCode).ToArray();
                return Extension(typeCode, payload);
            case MessagePackKind.Array:
                return new MessagePackNode(kind, null, ReadChildren(ref reader, reader.ReadArrayHeader()));
            case MessagePackKind.Map:
                return new MessagePackNode(kind, null, ReadChildren(ref reader, 2 * reader.ReadMapHeader()));
            default:
                reader.ReadNil();
                return new MessagePackNode(kind, null);
        }
    }

    public void Write(ref MessagePackWriter writer)
    {
        switch (Kind)
        {
            case MessagePackKind.Boolean:
                writer.Write((bool)Value!);
                break;
            case MessagePackKind.Integer when (BigInteger)Value! > long.MaxValue:
                writer.Write((ulong)(BigInteger)Value);
                break;
            case MessagePackKind.Integer:
                writer.Write((long)(BigInteger)Value!);
                break;
            case MessagePackKind.Float:
                writer.Write((double)Value!);
                break;
            case MessagePackKind.String:
                writer.WriteString((string)Value!);
                break;
            case MessagePackKind.Binary:
                writer.WriteBinary((byte[])Value!);
                break;
            case MessagePackKind.Extension:
                (sbyte typeCode, byte[] payload) = ((sbyte, byte[]))Value!;
                writer.WriteExtension(typeCode, payload);
                break;
            case MessagePackKind.Array:
                writer.WriteArrayHeader(Children.Length);
                break;
            case MessagePackKind.Map:
                writer.WriteMapHeader(Children.Length / 2);
                break;
            default:
                writer.WriteNil();
                break;
        }

        foreach (MessagePackNode child in Children)
        {
            child.Write(ref writer);
        }
    }

    public override string ToString() => Kind switch
    {
        MessagePackKind.Array or MessagePackKind.Map => $"{Kind}[{string.Join(", ", Children.Select(child => child.ToString()))}]",
        MessagePackKind.Binary => $"h'{Convert.ToHexString((byte[])Value!)}'",
        MessagePackKind.String => $"\"{Value}\"",
        MessagePackKind.Extension when Value is (sbyte typeCode, byte[] payload) => $"ext({typeCode}, {Convert.ToHexString(payload)})",
        MessagePackKind.Float => $"float {BitConverter.DoubleToInt64Bits((double)Value!):X16}",
        _ => string.Create(CultureInfo.InvariantCulture, $"{Kind} {Value}"),
    };

    private static MessagePackNode[] ReadChildren(ref MessagePackReader reader, int count)
    {
        reader.EnterContainer();
        var children = new MessagePackNode[count];
        for (int i = 0; i < count; i++)
        {
            children[i] = Read(ref reader);
        }

        reader.LeaveContainer();
        return children;
    }

    /// <summary>Tells a value above 2^63 - 1 from a negative one by a copy of the reader.</summary>
    private static BigInteger ReadInteger(ref MessagePackReader reader)
    {
        MessagePackReader copy = reader;
        if (copy.ReadDouble() < 0)
        {
            return reader.ReadInt64();
        }

        return reader.ReadUInt64();
    }
}
