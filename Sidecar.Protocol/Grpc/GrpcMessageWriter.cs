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

/// <summary>The frame around a message: one byte that is 1 if it is compressed, its length as u32 big-endian, then its bytes.</summary>
public static class GrpcMessageFormat
{
    /// <summary>Bytes before a message: flag and length.</summary>
    public const int PrefixSize = 5;

    /// <summary>What gRPC libraries take unless told otherwise, in bytes: 4 MiB.</summary>
    public const int DefaultMaxLength = 4 * 1024 * 1024;

    /// <summary>The flag of a message that is not compressed; we know no other.</summary>
    internal const byte Uncompressed = 0;

    /// <summary>The flag of a compressed message.</summary>
    internal const byte Compressed = 1;
}
