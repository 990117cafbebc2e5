using System.Buffers.Binary;
using System.Text;

namespace Sidecar.Protocol.MessagePack;

public ref partial struct MessagePackWriter
{
    private const int MaxFixStrLength = 31;

    /// <summary>Most bytes that one UTF-16 unit becomes in UTF-8.</summary>
    private const int MaxUtf8PerChar = 3;

    /// <summary>Texts up to this many units are encoded in one pass into room for the worst case; longer ones are measured first.</summary>
    private const int OnePassChars = 256;

    /// <summary>Texts of more bytes than this are encoded piece by piece; the output is never asked for a span of that size.</summary>
    private const int MaxWholeSpan = 4096;

    /// <summary>Writes text as a str; an unpaired surrogate becomes U+FFFD, for a str must be UTF-8.</summary>
    public void WriteString(scoped ReadOnlySpan<char> value)
    {
        if (value.Length > OnePassChars)
        {
            WriteLongString(value);
            return;
        }

        // Most text is ASCII: the header is placed for that guess, and the bytes move up where it proves too small.
        // The room taken holds the largest header of such a text too, so writing the header keeps to this span.
        Span<byte> free = Ensure(StringHeaderSize(OnePassChars * MaxUtf8PerChar) + (value.Length * MaxUtf8PerChar));
        int guess = StringHeaderSize(value.Length);
        int size = Encoding.UTF8.GetBytes(value, free[guess..]);
        int header = StringHeaderSize(size);
        if (header != guess)
        {
            free.Slice(guess, size).CopyTo(free[header..]);
        }

        WriteStringHeader(size);
        _used += size;
    }

    /// <summary>Writes bytes as a str; the caller knows that they are UTF-8, a constant or text that was checked.</summary>
    public void WriteStringUtf8(scoped ReadOnlySpan<byte> utf8)
    {
        WriteStringHeader(utf8.Length);
        WriteRaw(utf8);
    }

    /// <summary>Writes bytes as a bin.</summary>
    public void WriteBinary(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= byte.MaxValue)
        {
            Span<byte> free = Ensure(2);
            free[0] = MessagePackCode.Bin8;
            free[1] = (byte)bytes.Length;
            _used += 2;
        }
        else
        {
            WriteLength((uint)bytes.Length, MessagePackCode.Bin16, MessagePackCode.Bin32);
        }

        WriteRaw(bytes);
    }

    /// <summary>Writes an ext in its shortest form.</summary>
    /// <param name="typeCode">0 to 127 for applications; negative ones belong to the format.</param>
    /// <param name="payload">Its bytes.</param>
    public void WriteExtension(sbyte typeCode, scoped ReadOnlySpan<byte> payload)
    {
        byte fix = payload.Length switch
        {
            1 => MessagePackCode.FixExt1,
            2 => MessagePackCode.FixExt2,
            4 => MessagePackCode.FixExt4,
            8 => MessagePackCode.FixExt8,
            16 => MessagePackCode.FixExt16,
            _ => 0,
        };
        if (fix != 0)
        {
            WriteCode(fix);
        }
        else if (payload.Length <= byte.MaxValue)
        {
            WriteCode(MessagePackCode.Ext8);
            WriteCode((byte)payload.Length);
        }
        else
        {
            WriteLength((uint)payload.Length, MessagePackCode.Ext16, MessagePackCode.Ext32);
        }

        WriteCode((byte)typeCode);
        WriteRaw(payload);
    }

    /// <summary>Writes a timestamp in the shortest of its three forms that holds it.</summary>
    public void WriteTimestamp(MessagePackTimestamp value)
    {
        Span<byte> payload = stackalloc byte[sizeof(uint) + sizeof(long)];
        if ((ulong)value.Seconds >> 34 != 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(payload, value.Nanoseconds);
            BinaryPrimitives.WriteInt64BigEndian(payload[sizeof(uint)..], value.Seconds);
        }
        else if (value.Nanoseconds != 0 || value.Seconds > uint.MaxValue)
        {
            BinaryPrimitives.WriteUInt64BigEndian(payload, ((ulong)value.Nanoseconds << 34) | (ulong)value.Seconds);
            payload = payload[..sizeof(ulong)];
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(payload, (uint)value.Seconds);
            payload = payload[..sizeof(uint)];
        }

        WriteExtension(MessagePackTimestamp.TypeCode, payload);
    }

    private void WriteLongString(scoped ReadOnlySpan<char> value)
    {
        int size = Encoding.UTF8.GetByteCount(value);
        WriteStringHeader(size);
        if (size <= MaxWholeSpan)
        {
            Span<byte> free = Ensure(size);
            _used += Encoding.UTF8.GetBytes(value, free);
            return;
        }

        Flush();
        Encoding.UTF8.GetBytes(value, _output);
    }

    private static int StringHeaderSize(int length) => length switch
    {
        <= MaxFixStrLength => 1,
        <= byte.MaxValue => 2,
        <= ushort.MaxValue => 3,
        _ => 5,
    };

    /// <summary>Writes the header of a str whose bytes follow with <see cref="WriteRaw"/>: for text that is produced piece by piece.</summary>
    /// <param name="length">How many bytes of UTF-8 follow.</param>
    public void WriteStringHeader(int length)
    {
        if (length <= MaxFixStrLength)
        {
            WriteCode((byte)(MessagePackCode.MinFixStr | length));
        }
        else if (length <= byte.MaxValue)
        {
            Span<byte> free = Ensure(2);
            free[0] = MessagePackCode.Str8;
            free[1] = (byte)length;
            _used += 2;
        }
        else
        {
            WriteLength((uint)length, MessagePackCode.Str16, MessagePackCode.Str32);
        }
    }

    /// <summary>Writes one of two codes and a length of 16 or 32 bits.</summary>
    private void WriteLength(uint length, byte code16, byte code32)
    {
        Span<byte> free = Ensure(1 + sizeof(uint));
        if (length <= ushort.MaxValue)
        {
            free[0] = code16;
            BinaryPrimitives.WriteUInt16BigEndian(free[1..], (ushort)length);
            _used += 1 + sizeof(ushort);
        }
        else
        {
            free[0] = code32;
            BinaryPrimitives.WriteUInt32BigEndian(free[1..], length);
            _used += 1 + sizeof(uint);
        }
    }
}
