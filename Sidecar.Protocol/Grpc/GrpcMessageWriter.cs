using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;

namespace Sidecar.Protocol.Grpc;

/// <summary>Writes messages (layout at <see cref="GrpcMessageFormat"/>). Pure: no state, any thread.</summary>
public static class GrpcMessageWriter
{
    /// <summary>Serialises a message with its prefix straight into a buffer; nothing is flushed.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="message">Must not change meanwhile: its size is written first.</param>
    /// <param name="maxLength">The longest message to write, in bytes, without its prefix.</param>
    /// <exception cref="GrpcException">
    /// The message is longer: <see cref="GrpcStatusCode.ResourceExhausted"/>. Nothing was written.
    /// </exception>
    public static void Write(IBufferWriter<byte> output, IMessage message, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(message);
        var length = message.CalculateSize();

        // As unsigned: a size beyond 2 GiB overflows.
        if ((uint)length > (uint)maxLength)
        {
            throw new GrpcException(
                GrpcStatusCode.ResourceExhausted,
                $"a {message.Descriptor.Name} of {(uint)length} bytes cannot be sent; the limit is {maxLength} bytes; send it in " +
                "smaller pieces");
        }

        var prefix = output.GetSpan(GrpcMessageFormat.PrefixSize);
        prefix[0] = GrpcMessageFormat.Uncompressed;
        BinaryPrimitives.WriteUInt32BigEndian(prefix[1..], (uint)length);
        output.Advance(GrpcMessageFormat.PrefixSize);
        message.WriteTo(output);
    }
}
