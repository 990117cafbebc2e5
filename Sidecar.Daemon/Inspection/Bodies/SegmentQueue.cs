using System.Buffers;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// Bytes between one stage and the next, or between the last and the front end, in order. It owns them until they are taken.
/// </summary>
internal sealed class SegmentQueue : IDisposable
{
    private readonly Queue<BodySegment> _segments = new();

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => _segments.Count == 0;

    /// <summary>Adds bytes, or that there are none.</summary>
    public void Add(BodySegment bytes) => _segments.Enqueue(bytes);

    /// <summary>Adds bytes; none are of interest only where the body ends with them.</summary>
    public void Pass(BodySegment bytes)
    {
        if (bytes is { Bytes.IsEmpty: true, IsLast: false })
        {
            bytes.Dispose();
        }
        else
        {
            _segments.Enqueue(bytes);
        }
    }

    /// <summary>Takes the next bytes; the caller disposes of them.</summary>
    public bool TryTake(out BodySegment bytes) => _segments.TryDequeue(out bytes);

    /// <summary>Takes all as they lie in memory. It takes no more of that, so what agents have let pass is never stuck.</summary>
    /// <param name="whole">All bytes of the push.</param>
    /// <param name="owner">Disposed of when they have been used; null when they are the push's or an agent's.</param>
    /// <param name="isOfPush">Whether they are a part of what was pushed.</param>
    public ReadOnlySequence<byte> TakeAll(ReadOnlyMemory<byte> whole, out IDisposable? owner, out bool isOfPush)
    {
        var (only, several) = (default(BodySegment), default(ReleasedBytes));
        while (_segments.TryDequeue(out var run))
        {
            if (run.Bytes.IsEmpty)
            {
                run.Dispose();
            }
            else if (several is not null)
            {
                several.Add(run);
            }
            else if (only.Bytes.IsEmpty)
            {
                only = run;
            }
            else if (only.Offset is { } offset && offset + only.Bytes.Length == run.Offset)
            {
                // Neighbours in the push: a longer view holds both.
                only = BodySegment.OfPush(whole.Slice(offset, only.Bytes.Length + run.Bytes.Length), offset, run.IsLast);
            }
            else
            {
                several = new ReleasedBytes().Add(only).Add(run);
            }
        }

        (owner, isOfPush) = (several ?? (IDisposable?)only.Owner, several is null && (only.Bytes.IsEmpty || only.Offset is not null));
        return several?.Bytes ?? new ReadOnlySequence<byte>(only.Bytes);
    }

    /// <summary>Gives back what nobody took.</summary>
    /// <returns>How many bytes that were.</returns>
    public long Drop()
    {
        var dropped = 0L;
        while (_segments.TryDequeue(out var bytes))
        {
            dropped += bytes.Bytes.Length;
            bytes.Dispose();
        }

        return dropped;
    }

    /// <inheritdoc/>
    public void Dispose() => Drop();
}

/// <summary>
/// Bytes on their way from one stage to the next. Whoever is passed them disposes of them, once; a slice is disposed of by itself.
/// </summary>
internal readonly record struct BodySegment : IDisposable
{
    private BodySegment(ReadOnlyMemory<byte> bytes, bool isLast, int? offset, BodyBuffer? owner)
    {
        (Bytes, IsLast, Offset, Owner) = (bytes, isLast, offset, owner);
    }

    /// <summary>
    /// The bytes. Those of a push are valid until the front end disposes of its step, held ones until they are disposed of, an answer's for
    /// ever.
    /// </summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Whether the body ends with them.</summary>
    public bool IsLast { get; }

    /// <summary>Where they begin in the push; null when they are not a part of it.</summary>
    public int? Offset { get; }

    /// <summary>Who holds them; null for those of a push or an answer.</summary>
    public BodyBuffer? Owner { get; }

    /// <summary>Part of what the front end handed in.</summary>
    public static BodySegment OfPush(ReadOnlyMemory<byte> bytes, int offset, bool isLast) => new(bytes, isLast, offset, null);

    /// <summary>An agent's replacement, which the garbage collector owns.</summary>
    public static BodySegment OfAnswer(ReadOnlyMemory<byte> bytes, bool isLast) => new(bytes, isLast, null, null);

    /// <summary>Everything that is held, with the owner's share.</summary>
    public static BodySegment Held(BodyBuffer owner, bool isLast) => new(owner.Memory, isLast, null, owner);

    /// <summary>A part of them.</summary>
    public BodySegment Slice(int start, int length, bool isLast) => new(Bytes.Slice(start, length), isLast, Offset + start, Owner?.Share());

    /// <summary>Gives the share of their memory back.</summary>
    public void Dispose() => Owner?.Dispose();
}

/// <summary>What one push has brought to the end of a pipeline, where it lies. Disposed of when the bytes have been used, once.</summary>
internal sealed class ReleasedBytes : IDisposable
{
    private readonly List<BodySegment> _runs = [];
    private Run? _first;
    private Run? _last;

    /// <summary>All bytes in order.</summary>
    public ReadOnlySequence<byte> Bytes => new(_first!, 0, _last!, _last!.Memory.Length);

    /// <summary>Takes a run over. At least one, before anybody looks.</summary>
    public ReleasedBytes Add(BodySegment run)
    {
        _runs.Add(run);
        _last = new Run(run.Bytes, _last);
        _first ??= _last;
        return this;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _runs.ForEach(static run => run.Dispose());
        _runs.Clear();
    }

    private sealed class Run : ReadOnlySequenceSegment<byte>
    {
        public Run(ReadOnlyMemory<byte> bytes, Run? before)
        {
            Memory = bytes;
            if (before is not null)
            {
                before.Next = this;
                RunningIndex = before.RunningIndex + before.Memory.Length;
            }
        }
    }
}
