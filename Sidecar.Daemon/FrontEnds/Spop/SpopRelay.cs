using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// Questions about responses that HAProxy asks one daemon and another can answer: the NOTIFY goes there, the ACK comes back, byte for byte.
/// </summary>
/// <remarks>
/// A question is u64 stream id, u64 frame id, u32 HAProxy's buffer, u32 frame size agreed on (all big-endian), and the NOTIFY's payload.
/// </remarks>
internal sealed class SpopRelay(SpopFrontEnd frontEnd, SpopListenerOptions options, TimeProvider time) : IRelayedFrontEnd
{
    private const int HeaderSize = (2 * sizeof(ulong)) + (2 * sizeof(uint));

    /// <summary>A NOTIFY as a question to another daemon.</summary>
    public static byte[] Question(in SpopFrame frame, ReadOnlySpan<byte> payload, int bufferSize, int maxFrameSize)
    {
        var question = new byte[HeaderSize + payload.Length];
        BinaryPrimitives.WriteUInt64BigEndian(question, frame.StreamId);
        BinaryPrimitives.WriteUInt64BigEndian(question.AsSpan(8), frame.FrameId);
        BinaryPrimitives.WriteInt32BigEndian(question.AsSpan(16), bufferSize);
        BinaryPrimitives.WriteInt32BigEndian(question.AsSpan(20), maxFrameSize);
        payload.CopyTo(question.AsSpan(HeaderSize));
        return question;
    }

    public bool Knows(string key) => frontEnd.Knows(key);

    public async ValueTask<byte[]?> AnswerAsync(ReadOnlyMemory<byte> question, TimeSpan budget, CancellationToken gone)
    {
        if (Read(question, budget, out var maxFrameSize) is not { } request)
        {
            return null;
        }

        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var output = new FrameOutput(pipe.Writer, options.MaxUnsent);
        var writing = output.RunAsync();
        using (var replies = new SpopReplies(output, options, time) { MaxFrameSize = maxFrameSize })
        using (request)
        {
            var registration = gone.UnsafeRegister(static state => ((NotifyRequest)state!).Abandon(), request);
            await using (registration.ConfigureAwait(false))
            {
                await frontEnd.AnswerAsync(request, replies).ConfigureAwait(false);
            }
        }

        output.Close(discard: false);
        await writing.ConfigureAwait(false);
        await pipe.Writer.CompleteAsync().ConfigureAwait(false);
        var answer = await pipe.Reader.ReadAtLeastAsync(int.MaxValue, CancellationToken.None).ConfigureAwait(false);
        return answer.Buffer.IsEmpty ? null : answer.Buffer.ToArray();
    }

    private NotifyRequest? Read(ReadOnlyMemory<byte> question, TimeSpan budget, out int maxFrameSize)
    {
        var bytes = question.Span;
        maxFrameSize = question.Length > HeaderSize ? BinaryPrimitives.ReadInt32BigEndian(bytes[20..]) : 0;
        if (maxFrameSize < SpopLimits.MinFrameSize || maxFrameSize > options.MaxFrameSize)
        {
            return null;
        }

        var frame = new SpopFrame(
            SpopFrameType.Notify, SpopFrameFlags.Fin, BinaryPrimitives.ReadUInt64BigEndian(bytes),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            new ReadOnlySequence<byte>(question[HeaderSize..]));
        var request = NotifyRequest.Read(
            frame, SpopPayload.Of(frame.Payload), frontEnd.Reader, BinaryPrimitives.ReadInt32BigEndian(bytes[16..]), out _);
        request?.Budget = budget;
        return request;
    }
}
