using System.Buffers.Binary;

namespace Sidecar.Protocol.MessagePack;

public ref partial struct MessagePackWriter
{
    /// <summary>Writes an integer in its narrowest form.</summary>
    public void Write(int value) => Write((long)value);

    /// <summary>Writes an integer in its narrowest form.</summary>
    public void Write(uint value) => Write((ulong)value);

    /// <summary>Writes an integer in its narrowest form; those of zero and above take an unsigned one.</summary>
    public void Write(long value)
    {
        if (value >= 0)
        {
            Write((ulong)value);
            return;
        }

        Span<byte> free = Ensure(1 + sizeof(long));
        switch (value)
        {
            case >= -32:
                free[0] = (byte)value;
                _used++;
                break;
            case >= sbyte.MinValue:
                free[0] = MessagePackCode.Int8;
                free[1] = (byte)value;
                _used += 1 + sizeof(sbyte);
                break;
            case >= short.MinValue:
                free[0] = MessagePackCode.Int16;
                BinaryPrimitives.WriteInt16BigEndian(free[1..], (short)value);
                _used += 1 + sizeof(short);
                break;
            case >= int.MinValue:
                free[0] = MessagePackCode.Int32;
                BinaryPrimitives.WriteInt32BigEndian(free[1..], (int)value);
                _used += 1 + sizeof(int);
                break;
            default:
                free[0] = MessagePackCode.Int64;
                BinaryPrimitives.WriteInt64BigEndian(free[1..], value);
                _used += 1 + sizeof(long);
                break;
        }
    }

    /// <summary>Writes an integer in its narrowest form.</summary>
    public void Write(ulong value)
    {
        Span<byte> free = Ensure(1 + sizeof(ulong));
        switch (value)
        {
            case <= MessagePackCode.MaxFixInt:
                free[0] = (byte)value;
                _used++;
                break;
            case <= byte.MaxValue:
                free[0] = MessagePackCode.UInt8;
                free[1] = (byte)value;
                _used += 1 + sizeof(byte);
                break;
            case <= ushort.MaxValue:
                free[0] = MessagePackCode.UInt16;
                BinaryPrimitives.WriteUInt16BigEndian(free[1..], (ushort)value);
                _used += 1 + sizeof(ushort);
                break;
            case <= uint.MaxValue:
                free[0] = MessagePackCode.UInt32;
                BinaryPrimitives.WriteUInt32BigEndian(free[1..], (uint)value);
                _used += 1 + sizeof(uint);
                break;
            default:
                free[0] = MessagePackCode.UInt64;
                BinaryPrimitives.WriteUInt64BigEndian(free[1..], value);
                _used += 1 + sizeof(ulong);
                break;
        }
    }

    /// <summary>Writes a float of 32 bits.</summary>
    public void Write(float value)
    {
        Span<byte> free = Ensure(1 + sizeof(float));
        free[0] = MessagePackCode.Float32;
        BinaryPrimitives.WriteSingleBigEndian(free[1..], value);
        _used += 1 + sizeof(float);
    }

    /// <summary>Writes a float of 64 bits, even if the value is integral or would fit 32.</summary>
    public void Write(double value)
    {
        Span<byte> free = Ensure(1 + sizeof(double));
        free[0] = MessagePackCode.Float64;
        BinaryPrimitives.WriteDoubleBigEndian(free[1..], value);
        _used += 1 + sizeof(double);
    }
}
