using System.Buffers.Binary;

namespace Sidecar.Protocol.Spop;

/// <summary>Writes frames of ours, names and values into a span that the caller has sized (proxy integration §1.2 to §1.4).</summary>
/// <remarks>Too short a span is an error of ours and throws. A value type: pass it by <c>ref</c>.</remarks>
/// <param name="destination">Where to write.</param>
internal ref struct SpopWriter(Span<byte> destination)
{
    private const byte True = ((byte)SpopDataType.Boolean) | 0x10;

    private readonly Span<byte> _destination = destination;

    public int Written { get; private set; }

    /// <summary>
    /// Begins a frame, which must be the first thing written. All that an agent sends has FIN and nothing else (proxy integration §1.2).
    /// </summary>
    public void WriteFrameStart(SpopFrameType type, ulong streamId, ulong frameId)
    {
        Written = SpopLimits.LengthSize;
        WriteByte((byte)type);
        BinaryPrimitives.WriteUInt32BigEndian(_destination[Written..], (uint)SpopFrameFlags.Fin);
        Written += SpopLimits.FlagsSize;
        WriteVarint(streamId);
        WriteVarint(frameId);
    }

    /// <summary>Ends the frame begun: writes its length.</summary>
    public readonly void FinishFrame() => WriteLength(_destination, Written);

    /// <summary>Writes the length of a frame of which <paramref name="written"/> bytes are there, those of the length included.</summary>
    public static void WriteLength(Span<byte> frame, int written) =>
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)(written - SpopLimits.LengthSize));

    public void WriteByte(byte value) => _destination[Written++] = value;

    /// <summary>Writes an integer of variable length.</summary>
    public void WriteVarint(ulong value) => Written += SpopVarint.Write(_destination[Written..], value);

    /// <summary>Writes a string without a type.</summary>
    public void WriteString(scoped ReadOnlySpan<byte> bytes)
    {
        WriteVarint((ulong)bytes.Length);
        WriteBytes(bytes);
    }

    /// <summary>Writes a typed value, <see cref="SpopValue.EncodedSize"/> bytes.</summary>
    public void WriteValue(scoped SpopValue value)
    {
        if (value.Type == SpopDataType.Boolean)
        {
            WriteByte(value.Bits != 0 ? True : (byte)SpopDataType.Boolean);
            return;
        }

        WriteByte((byte)value.Type);
        if (value.IsBytes)
        {
            WriteString(value.Bytes);
        }
        else if (value.IsAddress)
        {
            WriteBytes(value.Bytes);
        }
        else if (!value.IsNull)
        {
            WriteVarint(value.Bits);
        }
    }

    private void WriteBytes(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_destination[Written..]);
        Written += bytes.Length;
    }
}
