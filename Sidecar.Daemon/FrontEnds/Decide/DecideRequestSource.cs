using System.Buffers.Binary;
using System.IO.Pipelines;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Bodies;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>
/// Receives questions from a pipe in both forms, within the limits of size, memory and time. Safe for any number of pipes at once.
/// </summary>
/// <remarks>
/// The binary form is: u32be length of the head, the head (JSON without the body's data), u32be length of the body, the body (proxy
/// integration §6.1). Memory is taken as bytes arrive, so that a peer that announces much and sends little holds little.
/// </remarks>
internal sealed class DecideRequestSource(JsonListenerOptions options, ByteBudget memory, TimeProvider time)
{
    private const int Step = 64 * 1024;

    /// <summary>Receives a question in JSON, which ends with the pipe.</summary>
    /// <param name="input">The pipe.</param>
    /// <param name="announced">Its length in bytes where that is known.</param>
    /// <param name="gone">Fires when nobody sends any more.</param>
    /// <exception cref="DecideRequestException">It is too large, too slow, or there is no memory for it.</exception>
    public async ValueTask<ReceivedDecideRequest> ReceiveJsonAsync(PipeReader input, long? announced, CancellationToken gone)
    {
        CheckSize(announced ?? 0, options.MaxQuestionBytes, "the question");
        var text = new BodyBuffer(null, memory);
        var received = new ReceivedDecideRequest(text, null, time.GetTimestamp());
        try
        {
            using var patience = new ReadTimeout(options.ReadTimeout, time, gone);
            if (await FillAsync(input, text, announced ?? options.MaxQuestionBytes + 1L, patience).ConfigureAwait(false)
                && announced is null)
            {
                CheckSize(text.Length, options.MaxQuestionBytes, "the question");
            }

            return received;
        }
        catch
        {
            received.Dispose();
            throw;
        }
    }

    /// <summary>Receives a question in the binary form.</summary>
    /// <param name="input">The pipe; what comes after the question stays in it.</param>
    /// <param name="gone">Fires when nobody sends any more.</param>
    /// <exception cref="DecideRequestException">
    /// It is no such question, or ends too early, or is too large or too slow, or there is no memory for it.
    /// </exception>
    public async ValueTask<ReceivedDecideRequest> ReceiveFrameAsync(PipeReader input, CancellationToken gone)
    {
        var (text, body) = (new BodyBuffer(null, memory), new BodyBuffer(null, memory));
        var received = new ReceivedDecideRequest(text, body, time.GetTimestamp());
        try
        {
            using var patience = new ReadTimeout(options.ReadTimeout, time, gone);
            await FillFromLengthAsync(input, text, options.MaxHeadBytes, "the head of a frame", patience).ConfigureAwait(false);
            await FillFromLengthAsync(input, body, options.MaxBodyBytes(), "the body of a frame", patience).ConfigureAwait(false);
            return received;
        }
        catch
        {
            received.Dispose();
            throw;
        }
    }

    private async ValueTask FillFromLengthAsync(PipeReader input, BodyBuffer target, int limit, string what, ReadTimeout patience)
    {
        if (await FillAsync(input, target, sizeof(uint), patience).ConfigureAwait(false))
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(target.Memory.Span);
            target.Clear();
            CheckSize(length, limit, what);
            if (await FillAsync(input, target, length, patience).ConfigureAwait(false))
            {
                return;
            }
        }

        throw DecideRequestException.Malformed($"{what} is cut off");
    }

    // False when the pipe ends before.
    private async ValueTask<bool> FillAsync(PipeReader input, BodyBuffer target, long count, ReadTimeout patience)
    {
        while (target.Length < count)
        {
            if (!input.TryRead(out var result))
            {
                result = await patience.ReadAsync(input).ConfigureAwait(false);
            }

            var missing = count - target.Length;
            var piece = result.Buffer.Length > missing ? result.Buffer.Slice(0, missing) : result.Buffer;
            if (!await target.TryGrowAsync(
                Math.Min(missing, Math.Max(piece.Length, Step)), time.GetTimestamp() + Ticks(options.Budget)).ConfigureAwait(false))
            {
                input.AdvanceTo(result.Buffer.Start);
                throw new DecideRequestException(DecideRequestError.Overloaded(
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
            throw new DecideRequestException(DecideRequestError.TooLarge($"{what} has {size} bytes; at most {limit} are taken; hand in a "
                + "large body in parts, or its beginning with \"truncated\": true"));
        }
    }


}

/// <summary>How long a question may take to arrive. Costs nothing where it is there already.</summary>
internal sealed class ReadTimeout(TimeSpan limit, TimeProvider time, CancellationToken gone) : IDisposable
{
    private CancellationTokenSource? _timeout;
    private CancellationTokenSource? _either;

    /// <summary>Waits for more.</summary>
    /// <exception cref="DecideRequestException">The time is up.</exception>
    /// <exception cref="OperationCanceledException">Nobody sends any more.</exception>
    public async ValueTask<ReadResult> ReadAsync(PipeReader input)
    {
        _timeout ??= new CancellationTokenSource(limit, time);
        _either ??= CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, gone);
        try
        {
            return await input.ReadAsync(_either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_timeout.IsCancellationRequested && !gone.IsCancellationRequested)
        {
            throw new DecideRequestException(DecideRequestError.TooSlow(limit));
        }
    }

    public void Dispose()
    {
        _either?.Dispose();
        _timeout?.Dispose();
    }
}

/// <summary>A question as it came, with the memory that its text and body take. Disposed of when it has been answered.</summary>
/// <param name="text">The JSON.</param>
/// <param name="body">In the binary form the body that follows it; null where the JSON holds it.</param>
/// <param name="arrived">When it began to arrive, a timestamp.</param>
internal sealed class ReceivedDecideRequest(BodyBuffer text, BodyBuffer? body, long arrived) : IDisposable
{
    private bool _isMoved;

    /// <summary>The JSON.</summary>
    public ReadOnlyMemory<byte> Text => text.Memory;

    /// <summary>In the binary form the body that follows it.</summary>
    public ReadOnlyMemory<byte>? Body => body?.Memory;



    /// <summary>When it began to arrive, a timestamp.</summary>
    public long Arrived => arrived;

    /// <summary>Reads it. Once, for bodies are decoded in place.</summary>
    /// <exception cref="DecideRequestException">It cannot be understood.</exception>
    public DecideRequest Read(JsonListenerOptions options) => DecideRequestReader.Read(text.Memory, body?.Memory, options);

    /// <summary>Hands the memory on; this one must not be read any more.</summary>
    public ReceivedDecideRequest Move()
    {
        _isMoved = true;
        return new ReceivedDecideRequest(text, body, arrived);
    }

    public void Dispose()
    {
        if (!_isMoved)
        {
            text.Dispose();
            body?.Dispose();
        }
    }
}
