using System.Buffers;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>Bytes between one stage and the next, or between the last and the front end, in order. It owns them until they are taken.</summary>
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
