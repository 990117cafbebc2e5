using System.Buffers.Binary;

namespace Sidecar.Protocol.Grpc;

/// <summary>Finds messages in received bytes (layout at <see cref="GrpcMessageFormat"/>).</summary>
/// <remarks>Pure: no state, no allocation, callable from any thread.</remarks>
public static class GrpcMessageScanner
{
    /// <summary>Takes the message at the start of <paramref name="buffer"/>, if all of it is there.</summary>
    /// <param name="buffer">
    /// The bytes received and not consumed yet. On <see cref="GrpcScanStatus.Message"/> the message is sliced off; otherwise it stays as it
    /// was.
    /// </param>
    /// <param name="maxLength">
    /// The longest message to accept, in bytes, without its prefix. A longer one is refused as soon as its prefix is there.
    /// </param>
    /// <param name="message">The bytes of the message, lying in <paramref name="buffer"/>; empty for every other status.</param>
    /// <param name="length">The length as read, also when it is refused; 0 while the prefix is incomplete or its flag refused.</param>
    /// <returns>What was found. Malformed input is a status, never an exception.</returns>
    public static GrpcScanStatus TryRead(
        ref ReadOnlySequence<byte> buffer, int maxLength, out ReadOnlySequence<byte> message, out uint length)
    {
        message = default;
        length = 0;
        if (buffer.IsEmpty)
        {
            return GrpcScanStatus.NeedMore;
        }

        // The first span may be empty although the sequence is not.
        Span<byte> prefix = stackalloc byte[GrpcMessageFormat.PrefixSize];
        var start = buffer.Slice(0, Math.Min(buffer.Length, GrpcMessageFormat.PrefixSize));
        start.CopyTo(prefix);
        if (prefix[0] != GrpcMessageFormat.Uncompressed)
        {
            return prefix[0] == GrpcMessageFormat.Compressed ? GrpcScanStatus.Compressed : GrpcScanStatus.BadFlag;
        }

        if (start.Length < GrpcMessageFormat.PrefixSize)
        {
            return GrpcScanStatus.NeedMore;
        }

        length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (length > (uint)maxLength)
        {
            return GrpcScanStatus.TooLong;
        }

        if (buffer.Length - GrpcMessageFormat.PrefixSize < length)
        {
            return GrpcScanStatus.NeedMore;
        }

        message = buffer.Slice(GrpcMessageFormat.PrefixSize, length);
        buffer = buffer.Slice(message.End);
        return GrpcScanStatus.Message;
    }
}

/// <summary>What <see cref="GrpcMessageScanner"/> found at the start of a buffer.</summary>
public enum GrpcScanStatus
{
    /// <summary>
    /// The start of a message, or nothing; more bytes decide. At the end of the stream: a clean end if the buffer is empty, else a
    /// truncated message.
    /// </summary>
    NeedMore,

    /// <summary>A complete message.</summary>
    Message,

    /// <summary>The message is compressed, and we agreed on no compression.</summary>
    Compressed,

    /// <summary>The flag is neither 0 nor 1: this is no gRPC, or the stream is out of step.</summary>
    BadFlag,

    /// <summary>Its length is above the limit. Nothing was allocated for it.</summary>
    TooLong,
}
