using System.Buffers;

namespace Sidecar.Daemon.Inspection.Bodies;

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
