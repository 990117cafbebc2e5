using System.Buffers.Binary;
using Sidecar.Protocol.Framing;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// The one frame with which a side introduces itself, read from a stream before the connection gets its pipe and its loops (spec §2.1, §8).
/// </summary>
/// <remarks>
/// Exactly its bytes are read, so that what follows is found by whoever reads next. A stranger costs no more memory than the limit.
/// </remarks>
/// <param name="End"><see cref="FrameConnectionEnd.None"/> when a whole frame came; else why there is none.</param>
/// <param name="Type">The type byte, whether known or not.</param>
/// <param name="Payload">The payload, the caller's own.</param>
/// <param name="Problem">What was wrong, in words; empty when nothing was.</param>
internal readonly record struct OpeningFrame(FrameConnectionEnd End, MessageType Type, byte[] Payload, string Problem)
{
    /// <summary>Reads one frame. What it finds is a value; only cancellation throws.</summary>
    /// <param name="stream">Where it comes from.</param>
    /// <param name="maxLength">Largest length accepted, type byte included.</param>
    /// <param name="cancellation">The deadline: a stream that is silent is waited for until it fires.</param>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static async Task<OpeningFrame> ReadAsync(Stream stream, int maxLength, CancellationToken cancellation)
    {
        var header = new byte[FrameLimits.HeaderSize];
        try
        {
            var got = await stream.ReadAtLeastAsync(header, FrameLimits.LengthSize, throwOnEndOfStream: false, cancellation)
                .ConfigureAwait(false);
            if (got < FrameLimits.LengthSize)
            {
                return got == 0
                    ? Failed(FrameConnectionEnd.ClosedByPeer, "the peer closed without a word")
                    : Failed(
                        FrameConnectionEnd.TruncatedFrame,
                        $"the peer closed after {got} of {FrameLimits.LengthSize} bytes of a frame's length");
            }

            // Unsigned, and before anything is allocated for it.
            var length = BinaryPrimitives.ReadUInt32BigEndian(header);
            if (length == 0)
            {
                return Failed(FrameConnectionEnd.ZeroLengthFrame, "a frame announced length 0; the least is 1, the type byte");
            }

            if (length > (uint)maxLength)
            {
                return Failed(FrameConnectionEnd.FrameTooLong, $"the first frame announced {length} bytes; the limit is {maxLength}");
            }

            if (got < FrameLimits.HeaderSize)
            {
                await stream.ReadExactlyAsync(header.AsMemory(got), cancellation).ConfigureAwait(false);
            }

            var payload = new byte[length - 1];
            await stream.ReadExactlyAsync(payload, cancellation).ConfigureAwait(false);
            return new OpeningFrame(FrameConnectionEnd.None, (MessageType)header[^1], payload, "");
        }
        catch (EndOfStreamException)
        {
            return Failed(FrameConnectionEnd.TruncatedFrame, "the peer closed in the middle of its first frame");
        }
        catch (IOException e)
        {
            return Failed(FrameConnectionEnd.TransportError, e.Message);
        }
    }

    private static OpeningFrame Failed(FrameConnectionEnd end, string problem) => new(end, MessageType.None, [], problem);
}
