using System.Text;
using System.Text.Unicode;

namespace Sidecar.Protocol.MessagePack;

public ref partial struct MessagePackReader
{
    /// <summary>Reads the bytes of a str, which are not checked to be UTF-8: to compare with a known key, or to check later.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the str reaches beyond the message.</exception>
    public ReadOnlySpan<byte> ReadStringSpan()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadString(Rest, out ReadOnlySpan<byte> utf8, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "a str", _source, _position);
        }

        _position += size;
        return utf8;
    }

    /// <summary>Reads a str as text.</summary>
    /// <exception cref="MessagePackFormatException">
    /// Another value or the end comes next, the str reaches beyond the message, or its bytes are not UTF-8.
    /// </exception>
    public string ReadString()
    {
        int start = _position;
        ReadOnlySpan<byte> utf8 = ReadStringSpan();
        if (!Utf8.IsValid(utf8))
        {
            _position = start;
            MessagePackThrow.NotUtf8(utf8, _source, start);
        }

        return Encoding.UTF8.GetString(utf8);
    }

    /// <summary>Reads the bytes of a bin.</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the bin reaches beyond the message.</exception>
    public ReadOnlySpan<byte> ReadBinary()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadBinary(Rest, out ReadOnlySpan<byte> bytes, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "a bin", _source, _position);
        }

        _position += size;
        return bytes;
    }

    /// <summary>Reads the bytes of a str or a bin, unchecked: the reference takes either where it expects text (spec §4.2).</summary>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or it reaches beyond the message.</exception>
    public ReadOnlySpan<byte> ReadStringOrBinarySpan()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadString(Rest, out ReadOnlySpan<byte> bytes, out int size);
        if (outcome == MessagePackOutcome.Mismatch)
        {
            outcome = MessagePackPrimitives.TryReadBinary(Rest, out bytes, out size);
        }

        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "a str or a bin", _source, _position);
        }

        _position += size;
        return bytes;
    }

    /// <summary>Reads an ext of any type code, a timestamp included.</summary>
    /// <param name="typeCode">The sender's type code: 0 to 127 belong to applications, negative ones to the format.</param>
    /// <exception cref="MessagePackFormatException">Another value or the end comes next, or the ext reaches beyond the message.</exception>
    public ReadOnlySpan<byte> ReadExtension(out sbyte typeCode)
    {
        MessagePackOutcome outcome =
            MessagePackPrimitives.TryReadExtension(Rest, out typeCode, out ReadOnlySpan<byte> payload, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "an ext", _source, _position);
        }

        _position += size;
        return payload;
    }

    /// <summary>Reads a timestamp in any of its three forms.</summary>
    /// <exception cref="MessagePackFormatException">
    /// Another value, another ext or the end comes next, or the timestamp has a wrong length or too many nanoseconds.
    /// </exception>
    public MessagePackTimestamp ReadTimestamp()
    {
        MessagePackOutcome outcome = MessagePackPrimitives.TryReadTimestamp(Rest, out MessagePackTimestamp value, out int size);
        if (outcome != MessagePackOutcome.Success)
        {
            MessagePackThrow.Read(outcome, "a timestamp (ext -1)", _source, _position);
        }

        _position += size;
        return value;
    }
}
