using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Tests.Transport;

/// <summary>Frames as bytes, built and taken apart without the code under test.</summary>
internal static class Wire
{
    /// <summary>Only a failing test uses it up.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>A frame of a type with a payload.</summary>
    public static byte[] Frame(MessageType type, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[5 + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)payload.Length + 1);
        frame[4] = (byte)type;
        payload.CopyTo(frame.AsSpan(5));
        return frame;
    }

    /// <summary>A frame of <paramref name="size"/> bytes in all, filled with a number.</summary>
    public static byte[] Sized(int size, byte fill = 0x5A) => Frame(MessageType.AgentResponse, Filled(size, fill));

    /// <summary>What is sent as <see cref="Sized"/>.</summary>
    public static OutgoingFrame ToSend(int size, byte fill = 0x5A) => new(MessageType.AgentResponse, Filled(size, fill));

    /// <summary>The next frame, or null at the end of the stream.</summary>
    public static async Task<(MessageType Type, byte[] Payload)?> ReadAsync(PipeReader reader)
    {
        while (true)
        {
            var result = await reader.ReadAsync().AsTask().WaitAsync(Limit).ConfigureAwait(false);
            if (Cut(result.Buffer) is { } length)
            {
                var bytes = result.Buffer.Slice(0, length).ToArray();
                reader.AdvanceTo(result.Buffer.GetPosition(length));
                return ((MessageType)bytes[4], bytes[5..]);
            }

            if (result.IsCompleted)
            {
                return result.Buffer.IsEmpty ? null : throw new InvalidDataException($"the stream ended after {result.Buffer.Length} bytes of a frame");
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>All frames up to the end of the stream.</summary>
    public static async Task<List<(MessageType Type, byte[] Payload)>> ReadAllAsync(PipeReader reader)
    {
        var frames = new List<(MessageType Type, byte[] Payload)>();
        while (await ReadAsync(reader).ConfigureAwait(false) is { } frame)
        {
            frames.Add(frame);
        }

        return frames;
    }

    private static byte[] Filled(int size, byte fill)
    {
        var payload = new byte[size - 5];
        payload.AsSpan().Fill(fill);
        return payload;
    }

    private static long? Cut(ReadOnlySequence<byte> buffer)
    {
        Span<byte> head = stackalloc byte[4];
        if (buffer.Length < 5)
        {
            return null;
        }

        buffer.Slice(0, 4).CopyTo(head);
        var length = 4L + BinaryPrimitives.ReadUInt32BigEndian(head);
        return buffer.Length < length ? null : length;
    }
}
