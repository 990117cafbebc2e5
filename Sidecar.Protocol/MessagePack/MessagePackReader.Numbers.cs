using System.Numerics;

namespace Sidecar.Protocol.MessagePack;

public ref partial struct MessagePackReader
{
    /// <summary>Reads an integer of any width whose value fits 8 bits unsigned.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the value does not fit.</exception>
    public byte ReadByte() => ReadInteger<byte>();

    /// <summary>Reads an integer of any width whose value fits 8 bits signed.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the value does not fit.</exception>
    public sbyte ReadSByte() => ReadInteger<sbyte>();

    /// <summary>Reads an integer of any width whose value fits 16 bits unsigned.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the value does not fit.</exception>
    public ushort ReadUInt16() => ReadInteger<ushort>();

    /// <summary>Reads an integer of any width whose value fits 16 bits signed.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the value does not fit.</exception>
    public short ReadInt16() => ReadInteger<short>();

    /// <summary>Reads an integer of any width whose value fits 32 bits unsigned.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the value does not fit.</exception>
    public uint ReadUInt32() => ReadInteger<uint>();

    /// <summary>Reads an integer of any width whose value fits 32 bits signed.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the value does not fit.</exception>
    public int ReadInt32() => ReadInteger<int>();

    /// <summary>Reads an integer of any width that is not negative.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the value does not fit.</exception>
    public ulong ReadUInt64() => ReadInteger<ulong>();

    /// <summary>Reads an integer of any width up to 2^63 - 1.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the value does not fit.</exception>
    public long ReadInt64() => ReadInteger<long>();

    /// <summary>Reads a float of either width, or an integer; those beyond 2^53 are rounded. NaN and infinities are values too.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next.</exception>
    public double ReadDouble()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadDouble(Rest, out double value, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "a number", _source, _position);
        }

        _position += size;
        return value;
    }

    /// <summary>Reads a float of either width, or an integer, rounded to 32 bits. NaN and infinities are values too.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or a finite number does not fit.</exception>
    public float ReadSingle()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadSingle(Rest, out float value, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Number(outcome, float.MinValue, float.MaxValue, _source, _position);
        }

        _position += size;
        return value;
    }

    private T ReadInteger<T>()
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadInteger(Rest, out T value, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Number(outcome, T.MinValue, T.MaxValue, _source, _position);
        }

        _position += size;
        return value;
    }
}
