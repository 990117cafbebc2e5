using System.Buffers;

namespace Sidecar.Protocol.Framing;

/// <summary>How messages follow each other on a stream of bytes. Stateless, safe from any thread.</summary>
/// <remarks>
/// Every format has a header of <see cref="FrameLimits.HeaderSize"/> bytes, so that a frame can be built before it is known which stream takes it.
/// </remarks>
public abstract class FrameFormat
{
    /// <summary>Length and type in front of each payload, as on Unix sockets (layout at <see cref="FrameLimits"/>).</summary>
    public static FrameFormat Native { get; } = new NativeFrameFormat();

    /// <inheritdoc cref="FrameScanner.TryRead"/>
    public abstract FrameScanStatus TryRead(ref ReadOnlySequence<byte> buffer, uint maxLength, out Frame frame, out uint length);

    /// <summary>Writes the header of a payload whose size is known.</summary>
    /// <param name="destination">The <see cref="FrameLimits.HeaderSize"/> bytes in front of the payload.</param>
    /// <param name="type">The message type (spec §2.2).</param>
    /// <param name="payloadLength">The size of the payload in bytes, below <see cref="FrameLimits.MaxLength"/>.</param>
    public abstract void WriteHeader(Span<byte> destination, byte type, int payloadLength);

    private sealed class NativeFrameFormat : FrameFormat
    {
        public override FrameScanStatus TryRead(ref ReadOnlySequence<byte> buffer, uint maxLength, out Frame frame, out uint length) =>
            FrameScanner.TryRead(ref buffer, maxLength, out frame, out length);

        public override void WriteHeader(Span<byte> destination, byte type, int payloadLength) => FrameWriter.WriteHeader(destination, type, payloadLength);
    }
}
