using System.Buffers;
using NUnit.Framework;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

/// <summary>Runs a writer over a fresh buffer and a reader over given bytes, for tests that need one value at a time.</summary>
internal static class MessagePackBytes
{
    public delegate void WriteValue(ref MessagePackWriter writer);

    public delegate void ReadValue(ref MessagePackReader reader);

    public static byte[] Write(WriteValue write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        WriteTo(buffer, write);
        return buffer.WrittenSpan.ToArray();
    }

    public static void WriteTo(IBufferWriter<byte> output, WriteValue write)
    {
        var writer = new MessagePackWriter(output);
        write(ref writer);
        writer.Flush();
    }

    /// <summary>Reads and returns the bytes consumed, or throws what the reader throws.</summary>
    public static int Read(ReadOnlySpan<byte> message, ReadValue read, int maxDepth = MessagePackReader.DefaultMaxDepth)
    {
        var reader = new MessagePackReader(message, maxDepth);
        read(ref reader);
        return reader.Position;
    }

    /// <summary>The error that reading must end with; the test fails if it does not, or with another exception.</summary>
    public static MessagePackFormatException ReadError(byte[] message, ReadValue read, int maxDepth = MessagePackReader.DefaultMaxDepth) =>
        Assert.Throws<MessagePackFormatException>(() => Read(message, read, maxDepth))!;
}
