namespace Sidecar.Protocol.Spop;

/// <summary>A whole payload in one piece, in a pooled buffer of its own: it outlives the read it came with, and its fragments.</summary>
/// <remarks>Whoever has it last disposes of it, once; what was taken of it is invalid then.</remarks>
public struct SpopPayload : IDisposable
{
    private readonly int _length;
    private byte[]? _rented;

    /// <summary>Takes over a pooled buffer.</summary>
    internal SpopPayload(byte[] rented, int length) => (_rented, _length) = (rented, length);

    /// <summary>The bytes.</summary>
    public readonly ReadOnlyMemory<byte> Memory => _rented.AsMemory(0, _rented is null ? 0 : _length);

    /// <summary>The bytes.</summary>
    public readonly ReadOnlySpan<byte> Span => Memory.Span;

    /// <summary>Bytes of memory that it takes.</summary>
    public readonly int Capacity => _rented?.Length ?? 0;

    /// <summary>A copy of a frame's payload, of at most the agreed frame size: the one that takes it off the connection.</summary>
    public static SpopPayload Of(in ReadOnlySequence<byte> payload)
    {
        var length = checked((int)payload.Length);
        var rented = ArrayPool<byte>.Shared.Rent(length);
        payload.CopyTo(rented);
        return new(rented, length);
    }

    /// <summary>Gives the buffer back, if there is one.</summary>
    public void Dispose()
    {
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
