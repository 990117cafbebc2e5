using System.Buffers.Binary;
using System.IO.Pipelines;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Bodies;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>Receives questions from a pipe in both forms, within the limits of size, memory and time. Safe for any number of pipes at once.</summary>
/// <remarks>
/// The binary form is: u32be length of the head, the head (JSON without the body's data), u32be length of the body, the body (proxy integration
/// §6.1). Memory is taken as bytes arrive, so that a peer that announces much and sends little holds little.
/// </remarks>
internal sealed class QuestionSource(JsonListenerOptions options, ByteBudget memory, TimeProvider time)
{
    private const int Step = 64 * 1024;

    /// <summary>Receives a question in JSON, which ends with the pipe.</summary>
    /// <param name="input">The pipe.</param>
    /// <param name="announced">Its length in bytes where that is known.</param>
    /// <param name="gone">Fires when nobody sends any more.</param>
    /// <exception cref="QuestionException">It is too large, too slow, or there is no memory for it.</exception>
    public async ValueTask<ReceivedQuestion> ReceiveJsonAsync(PipeReader input, long? announced, CancellationToken gone)
    {
        CheckSize(announced ?? 0, options.MaxQuestionBytes, "the question");
        var arrived = time.GetTimestamp();
        var text = new HeldBytes(null, memory);
        try
        {
            using var patience = new ReadPatience(options.ReadTimeout, time, gone);
            if (await FillAsync(input, text, announced ?? options.MaxQuestionBytes + 1L, patience).ConfigureAwait(false) && announced is null)
            {
                CheckSize(text.Length, options.MaxQuestionBytes, "the question");
            }

            return new ReceivedQuestion(text, null, arrived);
        }
        catch
        {
            text.Dispose();
            throw;
        }
    }

    /// <summary>Receives a question in the binary form.</summary>
    /// <param name="input">The pipe; what comes after the question stays in it.</param>
    /// <param name="gone">Fires when nobody sends any more.</param>
    /// <exception cref="QuestionException">It is no such question, or ends too early, or is too large or too slow, or there is no memory for it.</exception>
    public async ValueTask<ReceivedQuestion> ReceiveFrameAsync(PipeReader input, CancellationToken gone)
    {
        var arrived = time.GetTimestamp();
        var text = new HeldBytes(null, memory);
        var body = new HeldBytes(null, memory);
        try
        {
            using var patience = new ReadPatience(options.ReadTimeout, time, gone);
            await FillFromLengthAsync(input, text, options.MaxHeadBytes, "the head of a frame", patience).ConfigureAwait(false);
            await FillFromLengthAsync(input, body, options.MaxBodyBytes, "the body of a frame", patience).ConfigureAwait(false);
            return new ReceivedQuestion(text, body, arrived);
        }
        catch
        {
            text.Dispose();
            body.Dispose();
            throw;
        }
    }

    private async ValueTask FillFromLengthAsync(PipeReader input, HeldBytes target, int limit, string what, ReadPatience patience)
    {
        if (!await FillAsync(input, target, sizeof(uint), patience).ConfigureAwait(false))
        {
            throw Cut(what);
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(target.Memory.Span);
        target.Clear();
        CheckSize(length, limit, what);
        if (!await FillAsync(input, target, length, patience).ConfigureAwait(false))
        {
            throw Cut(what);
        }
    }

    // False when the pipe ends before.
    private async ValueTask<bool> FillAsync(PipeReader input, HeldBytes target, long count, ReadPatience patience)
    {
        while (target.Length < count)
        {
            if (!input.TryRead(out var result))
            {
                result = await patience.ReadAsync(input).ConfigureAwait(false);
            }

            var missing = count - target.Length;
            var piece = result.Buffer.Length > missing ? result.Buffer.Slice(0, missing) : result.Buffer;
            if (!await target.TryGrowAsync(Math.Min(missing, Math.Max(piece.Length, Step)), time.GetTimestamp() + Ticks(options.Budget)).ConfigureAwait(false))
            {
                input.AdvanceTo(result.Buffer.Start);
                throw new QuestionException(QuestionError.Overloaded(
                    $"no memory for a question of {count} bytes came free in time; {memory.Limit} bytes (--body-memory) are in use"));
            }

            foreach (var segment in piece)
            {
                target.Append(segment.Span);
            }

            input.AdvanceTo(piece.End);
            if (result.IsCompleted && piece.Length == result.Buffer.Length && target.Length < count)
            {
                return false;
            }
        }

        return true;
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private static void CheckSize(long size, long limit, string what)
    {
        if (size > limit)
        {
            throw new QuestionException(QuestionError.TooLarge($"{what} has {size} bytes; at most {limit} are taken; hand in a large body in parts, or its beginning with \"truncated\": true"));
        }
    }

    private static QuestionException Cut(string what) => new(QuestionError.Malformed($"{what} is cut off"));
}
