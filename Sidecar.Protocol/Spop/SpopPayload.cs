using System.Buffers;

namespace Sidecar.Protocol.Spop;

/// <summary>A whole payload as one span: in place if it lies in one piece, else in a pooled buffer.</summary>
/// <remarks>
/// Lives on the stack only, so it cannot outlive the read that produced it. Dispose it once, after the last use of <see cref="Span"/>;
/// one that borrows is also invalid once its source is advanced.
/// </remarks>
public readonly ref struct SpopPayload : IDisposable
{
    private readonly byte[]? _rented;

    /// <summary>Takes over a pooled buffer.</summary>
    internal SpopPayload(byte[] rented, int length)
    {
        _rented = rented;
        Span = rented.AsSpan(0, length);
    }

    private SpopPayload(ReadOnlySpan<byte> borrowed) => Span = borrowed;

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Span { get; }

    /// <summary>The payload of a frame; at most the agreed frame size is copied.</summary>
    public static SpopPayload Of(scoped in ReadOnlySequence<byte> payload)
    {
        if (payload.IsSingleSegment)
        {
            return new(payload.FirstSpan);
        }

        var length = checked((int)payload.Length);
        var rented = ArrayPool<byte>.Shared.Rent(length);
        payload.CopyTo(rented);
        return new(rented, length);
    }

    /// <summary>Gives the buffer back, if there is one.</summary>
    public void Dispose()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
        }
    }
}
