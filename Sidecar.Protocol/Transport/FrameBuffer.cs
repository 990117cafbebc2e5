using System.Collections.Concurrent;
using System.Numerics;
using Sidecar.Protocol.Framing;

namespace Sidecar.Protocol.Transport;

/// <summary>The payload of one frame being encoded, outside any lock; its header is written where its format is known.</summary>
/// <remarks>
/// A frame is built completely before it meets the connection, so an encoder that throws leaves nothing half written behind. Rent, write,
/// send, dispose; whoever shares it disposes of it too, and nobody writes any more. Each thread keeps one buffer for the next use; a few
/// more are shared. What a large frame needs beyond that is rented for as long as the frame lasts.
/// </remarks>
public sealed class FrameBuffer : IBufferWriter<byte>, IDisposable
{
    private const int InitialCapacity = 4 * 1024;
    private const int LargestKept = 128 * 1024;

    private const int LargestSharedPool = 64;

    // A frame that waits for room is given back by another thread than the one that took it, whose own buffer is then missing.
    private static readonly ConcurrentQueue<FrameBuffer> Shared = new();

    [ThreadStatic]
    private static FrameBuffer? _cached;

    private byte[] _kept = new byte[InitialCapacity];

    // The kept array, or a rented one in its place.
    private byte[] _bytes;
    private int _length;
    private MessageType _type;
    private int _holders;

    private FrameBuffer() => _bytes = _kept;

    /// <summary>Bytes of payload written so far.</summary>
    public int PayloadLength => _length;

    /// <summary>A buffer for a frame of this type.</summary>
    public static FrameBuffer Rent(MessageType type)
    {
        var buffer = _cached;
        _cached = null;
        if (buffer is null && !Shared.TryDequeue(out buffer))
        {
            buffer = new FrameBuffer();
        }

        buffer._type = type;
        buffer._holders = 1;
        buffer._length = 0;
        return buffer;
    }

    /// <summary>The whole frame. Its payload is valid until more is written or the buffer is given back.</summary>
    /// <param name="largest">The longest payload that its format takes, in bytes.</param>
    /// <exception cref="FrameTooLongException">The payload is larger than that.</exception>
    public OutgoingFrame Finish(int largest = FrameLimits.MaxLength - 1) => PayloadLength <= largest
        ? new OutgoingFrame(_type, _bytes.AsMemory(0, _length))
        : throw new FrameTooLongException(_type, PayloadLength, largest);

    /// <summary>One more holds the finished frame; each gives it back for itself. For one who holds it.</summary>
    public FrameBuffer Share()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _bytes.Length - _length);
        _length += count;
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _bytes.AsMemory(_length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _bytes.AsSpan(_length);
    }

    /// <summary>Gives the buffer back; with the last holder what <see cref="Finish"/> gave is no longer valid.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
        {
            // Given back once too often it would get two owners, and one frame would be written over another.
            Interlocked.CompareExchange(ref _holders, 0, -1);
            return;
        }

        ReturnRented();
        if (_cached is null)
        {
            _cached = this;
        }
        else if (Shared.Count < LargestSharedPool)
        {
            Shared.Enqueue(this);
        }
    }

    private void MakeRoom(int sizeHint)
    {
        var needed = Math.Max(sizeHint, 256);
        if (_bytes.Length - _length >= needed)
        {
            return;
        }

        var length = Math.Max(_bytes.Length * 2, checked(_length + needed));
        var isKept = length <= LargestKept;

        // With nothing to spare the little that follows a large value would double it, beyond what is kept.
        var larger = isKept ? new byte[BitOperations.RoundUpToPowerOf2((uint)length)] : ArrayPool<byte>.Shared.Rent(length);
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ReturnRented();
        _bytes = larger;
        if (isKept)
        {
            _kept = larger;
        }
    }

    private void ReturnRented()
    {
        if (_bytes != _kept)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = _kept;
        }
    }
}
