using System.Buffers;
using Sidecar.Protocol.Framing;

namespace Sidecar.Tests.Framing;

/// <summary>Frames without any header: each is a line, whose payload its writer ends with a line feed (JSON lines).</summary>
internal sealed class LineFormat() : FrameFormat(headerSize: 0)
{
    public override FrameScanStatus TryRead(ref ReadOnlySequence<byte> buffer, uint maxLength, out Frame frame, out uint length)
    {
        (frame, length) = (default, 0);
        var found = buffer.PositionOf((byte)'\n');
        var payload = found is { } end ? buffer.Slice(0, buffer.GetPosition(1, end)) : buffer;
        if (payload.Length >= maxLength)
        {
            length = (uint)payload.Length + 1;
            return FrameScanStatus.TooLong;
        }

        if (found is null)
        {
            return FrameScanStatus.NeedMore;
        }

        (frame, length) = (new Frame(0, payload), (uint)payload.Length + 1);
        buffer = buffer.Slice(payload.End);
        return FrameScanStatus.Frame;
    }

    public override void WriteHeader(Span<byte> destination, byte type, int payloadLength)
    {
        // There is none.
    }
}
