using System.Buffers.Binary;

namespace Sidecar.Protocol.Framing;

/// <summary>Frames with a header of fixed size that holds the length of the payload, and perhaps its type.</summary>
/// <remarks>Pure: no state, no allocation, callable from any thread.</remarks>
public class LengthPrefixedFormat : FrameFormat
{
    private readonly int _lengthAt;
    private readonly int _lengthSize;
    private readonly int _lengthEnd;
    private readonly int _typeAt;
    private readonly int _counted;

    /// <summary>A format with such a header.</summary>
    /// <exception cref="ArgumentException">What the header holds does not fit into it.</exception>
    public LengthPrefixedFormat(FrameHeader header)
        : base(header?.Size ?? throw new ArgumentNullException(nameof(header)))
    {
        (_lengthAt, _lengthSize, _typeAt, _counted) = (header.LengthAt, header.LengthSize, header.TypeAt ?? -1, header.Counted);
        _lengthEnd = _lengthAt + _lengthSize;
        var holdsType = header.TypeAt is not { } at || (at >= 0 && at < header.Size && (at < _lengthAt || at >= _lengthEnd));
        if (_lengthAt < 0 || _lengthSize < 1 || _lengthEnd > header.Size || _counted < 0 || _counted > header.Size || !holdsType)
        {
            throw new ArgumentException($"a header of {header.Size} bytes does not hold what is to stand in it: {header}", nameof(header));
        }

        var most = _lengthSize >= sizeof(uint) ? uint.MaxValue : (1u << (8 * _lengthSize)) - 1;
        LargestPayload = (int)Math.Min(most - (uint)_counted, FrameLimits.MaxLength - 1);
    }

    /// <inheritdoc/>
    public sealed override int LargestPayload { get; }

    /// <inheritdoc/>
    public sealed override FrameScanStatus TryRead(ref ReadOnlySequence<byte> buffer, uint maxLength, out Frame frame, out uint length)
    {
        (frame, length) = (default, 0);
        Span<byte> joined = stackalloc byte[LargestHeader];
        scoped var header = buffer.FirstSpan;
        if (header.Length < HeaderSize)
        {
            var there = buffer.Slice(0, Math.Min(buffer.Length, HeaderSize));
            there.CopyTo(joined);
            header = joined[..(int)there.Length];
        }

        // Before the whole header is there: a length beyond the limit is not to be waited for.
        if (header.Length < _lengthEnd)
        {
            return FrameScanStatus.NeedMore;
        }

        var announced = ReadLength(header[_lengthAt..]);
        if (announced < (uint)_counted)
        {
            return FrameScanStatus.ZeroLength;
        }

        var payloadLength = announced - (uint)_counted;
        length = payloadLength >= uint.MaxValue ? uint.MaxValue : (uint)payloadLength + 1;
        if (Check(header) is not FrameScanStatus.Frame and var refused)
        {
            return refused;
        }

        if (length > maxLength)
        {
            return FrameScanStatus.TooLong;
        }

        if (payloadLength >= uint.MaxValue || buffer.Length - HeaderSize < (long)payloadLength)
        {
            return FrameScanStatus.NeedMore;
        }

        var payload = buffer.Slice(HeaderSize, (long)payloadLength);
        if (_typeAt >= 0)
        {
            frame = new Frame(header[_typeAt], payload);
        }
        else if (TryFindType(payload, out var type))
        {
            frame = new Frame(type, payload);
        }
        else
        {
            return FrameScanStatus.Malformed;
        }

        buffer = buffer.Slice(payload.End);
        return FrameScanStatus.Frame;
    }

    /// <inheritdoc/>
    public sealed override void WriteHeader(Span<byte> destination, byte type, int payloadLength)
    {
        if (payloadLength < 0 || payloadLength > LargestPayload)
        {
            throw new ArgumentOutOfRangeException(
                nameof(payloadLength),
                payloadLength,
                $"A payload of {payloadLength} bytes does not fit a frame: 0 to {LargestPayload} do. Split the message.");
        }

        if (destination.Length < HeaderSize)
        {
            throw new ArgumentException(
                $"A frame header needs {HeaderSize} bytes; the destination has {destination.Length}.", nameof(destination));
        }

        destination[..HeaderSize].Clear();
        WriteLength(destination.Slice(_lengthAt, _lengthSize), (uint)(payloadLength + _counted));
        if (_typeAt >= 0)
        {
            destination[_typeAt] = type;
        }
    }

    /// <summary>Looks at what else stands in the header.</summary>
    /// <param name="header">The header; at least up to the end of the length.</param>
    /// <returns><see cref="FrameScanStatus.Frame"/> when it is fine.</returns>
    protected virtual FrameScanStatus Check(ReadOnlySpan<byte> header) => FrameScanStatus.Frame;

    /// <summary>The type of a payload where the header has none.</summary>
    /// <returns>False when the payload is no message at all.</returns>
    protected virtual bool TryFindType(in ReadOnlySequence<byte> payload, out byte type)
    {
        type = 0;
        return true;
    }

    private ulong ReadLength(ReadOnlySpan<byte> bytes)
    {
        if (_lengthSize == sizeof(uint))
        {
            return BinaryPrimitives.ReadUInt32BigEndian(bytes);
        }

        var length = 0ul;
        foreach (var part in bytes[.._lengthSize])
        {
            length = (length << 8) | part;
        }

        return length;
    }

    private static void WriteLength(Span<byte> destination, uint length)
    {
        if (destination.Length == sizeof(uint))
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, length);
            return;
        }

        for (var i = destination.Length - 1; length != 0; i--, length >>= 8)
        {
            destination[i] = (byte)length;
        }
    }
}
