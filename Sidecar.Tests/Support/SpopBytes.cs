using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Sidecar.Tests.Support;

/// <summary>
/// SPOP's integers and values as HAProxy writes and reads them, written down a second time so that the codec is not its own witness.
/// A value is an object: null, bool, int, uint, long, ulong, <see cref="IPAddress"/>, string (STRING, UTF-8) or byte[] (BINARY).
/// </summary>
internal sealed class SpopBytes(byte[] bytes)
{
    private int _at;

    public bool End => _at == bytes.Length;

    public static byte[] Varint(ulong value)
    {
        if (value < 240)
        {
            return [(byte)value];
        }

        var written = new List<byte> { (byte)(value | 240) };
        value = (value - 240) >> 4;
        while (value >= 128)
        {
            written.Add((byte)(value | 128));
            value = (value - 128) >> 7;
        }

        return [.. written, (byte)value];
    }

    public static byte[] String(string text) => String(Encoding.UTF8.GetBytes(text));

    public static byte[] String(byte[] text) => [.. Varint((ulong)text.Length), .. text];

    public static byte[] Value(object? value) => value switch
    {
        null => [0],
        bool flag => [(byte)(flag ? 0x11 : 0x01)],
        int number => [2, .. Varint((ulong)number)],
        uint number => [3, .. Varint(number)],
        long number => [4, .. Varint((ulong)number)],
        ulong number => [5, .. Varint(number)],
        IPAddress address => [(byte)(address.GetAddressBytes().Length == 4 ? 6 : 7), .. address.GetAddressBytes()],
        string text => [8, .. String(text)],
        byte[] binary => [9, .. String(binary)],
        _ => throw new ArgumentException($"SPOP has no type for {value.GetType()}."),
    };

    /// <summary>A list of keys and values.</summary>
    public static byte[] Items(IEnumerable<(string Key, object? Value)> items) =>
        [.. items.SelectMany(item => (byte[])[.. String(item.Key), .. Value(item.Value)])];

    public static byte[] UInt32(uint value)
    {
        var four = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(four, value);
        return four;
    }

    public byte ReadByte() => bytes[_at++];

    public byte[] ReadBytes(int count) => bytes[_at..(_at += count)];

    public ulong ReadVarint()
    {
        ulong value = ReadByte();
        if (value >= 240)
        {
            var shift = 4;
            ulong next;
            do
            {
                next = ReadByte();
                value += next << shift;
                shift += 7;
            }
            while (next >= 128);
        }

        return value;
    }

    public string ReadString() => Encoding.UTF8.GetString(ReadBytes((int)ReadVarint()));

    public object? ReadValue()
    {
        var head = ReadByte();
        return (head & 15) switch
        {
            0 => null,
            1 => (head & 0x10) != 0,
            2 => (int)ReadVarint(),
            3 => (uint)ReadVarint(),
            4 => (long)ReadVarint(),
            5 => ReadVarint(),
            6 => new IPAddress(ReadBytes(4)),
            7 => new IPAddress(ReadBytes(16)),
            8 => ReadString(),
            9 => ReadBytes((int)ReadVarint()),
            _ => throw new InvalidDataException($"Data type {head & 15} is not defined."),
        };
    }

    public Dictionary<string, object?> ReadItems()
    {
        var items = new Dictionary<string, object?>();
        while (!End)
        {
            items.Add(ReadString(), ReadValue());
        }

        return items;
    }
}
