using System.Buffers;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>Runs of bytes copied into one pooled buffer, with the reservations of those that were held.</summary>
internal sealed class JoinedBytes : IDisposable
{
    private readonly List<BodyBuffer> _owners = [];
    private readonly int _length;
    private byte[] _buffer;

    /// <summary>Copies the runs and takes them over.</summary>
    public JoinedBytes(IReadOnlyList<BodySegment> runs)
    {
        _buffer = ArrayPool<byte>.Shared.Rent(runs.Sum(static run => run.Bytes.Length));
        foreach (var run in runs)
        {
            run.Bytes.Span.CopyTo(_buffer.AsSpan(_length));
            _length += run.Bytes.Length;
            if (run.Owner is { } owner)
            {
                _owners.Add(owner);
            }
        }

        // Only now: several runs may be parts of one owner's bytes.
        _owners.ForEach(static owner => owner.GiveBufferBack());
    }

    /// <summary>All bytes in order.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _owners.ForEach(static owner => owner.Dispose());
        }
    }
}
