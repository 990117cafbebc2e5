using System.Buffers;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>Runs of bytes copied into one pooled buffer, with the reservations of those that were held.</summary>
internal sealed class JoinedBytes : IDisposable
{
    private readonly List<BodySegment> _runs = [];
    private int _length;
    private byte[] _buffer = [];

    /// <summary>All bytes in order, once they are joined.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    /// <summary>Takes a run over.</summary>
    public void Add(BodySegment run)
    {
        _runs.Add(run);
        _length += run.Bytes.Length;
    }

    /// <summary>Copies the runs. Once.</summary>
    public void Join()
    {
        _buffer = ArrayPool<byte>.Shared.Rent(_length);
        var at = 0;
        foreach (var run in _runs)
        {
            run.Bytes.Span.CopyTo(_buffer.AsSpan(at));
            at += run.Bytes.Length;
        }

        // Only now: several runs may be parts of one owner's bytes.
        _runs.ForEach(static run => run.Owner?.GiveBufferBack());
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _runs.ForEach(static run => run.Dispose());
        }
    }
}

/// <summary>What one push has brought to the end of a flow.</summary>
/// <param name="Bytes">The bytes.</param>
/// <param name="Owner">Disposed of when they have been used; null when they are the push's or an agent's.</param>
/// <param name="IsOfPush">Whether they are a part of what was pushed.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct ReleasedBytes(ReadOnlyMemory<byte> Bytes, IDisposable? Owner, bool IsOfPush);
