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

    /// <summary>Takes all, joined without copying where one run of bytes is all there is.</summary>
    /// <remarks>
    /// It needs no memory of the budgets, so what agents have let pass is never stuck: where runs must be joined, the reservation of the held ones
    /// stands for the copy, and the others are in memory anyway, as bytes of the push or of an answer.
    /// </remarks>
    /// <param name="whole">All bytes of the push.</param>
    public ReleasedBytes TakeAll(ReadOnlyMemory<byte> whole)
    {
        var (only, joined) = (default(BodySegment), default(JoinedBytes));
        while (_segments.TryDequeue(out var run))
        {
            if (run.Bytes.IsEmpty)
            {
                run.Dispose();
            }
            else if (joined is not null)
            {
                joined.Add(run);
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
                joined = new JoinedBytes();
                joined.Add(only);
                joined.Add(run);
            }
        }

        joined?.Join();
        return joined is null
            ? new ReleasedBytes(only.Bytes, only.Owner, only.Bytes.IsEmpty || only.Offset is not null)
            : new ReleasedBytes(joined.Memory, joined, IsOfPush: false);
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
