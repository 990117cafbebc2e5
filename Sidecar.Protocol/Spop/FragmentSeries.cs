using System.Buffers;

namespace Sidecar.Protocol.Spop;

/// <summary>The fragments of one message, joined as they come. Owned by one <see cref="SpopReassembler"/>.</summary>
/// <param name="frameId">The frame id that all of them carry.</param>
/// <param name="begun">When the first one came, as a timestamp.</param>
internal sealed class FragmentSeries(ulong frameId, long begun)
{
    private byte[] _buffer = [];

    public ulong FrameId => frameId;

    public long Begun => begun;

    /// <summary>The bytes kept.</summary>
    public int Length { get; private set; }

    /// <summary>Why the message is no longer kept; the default value while it is.</summary>
    public SpopError Refusal { get; set; }

    /// <summary>Adds one fragment; the caller has checked that it does not exceed the limit.</summary>
    public void Append(in ReadOnlySequence<byte> fragment, int limit)
    {
        var length = Length + (int)fragment.Length;
        if (length > _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent((int)Math.Max(length, Math.Min(2L * _buffer.Length, limit)));
            _buffer.AsSpan(0, Length).CopyTo(larger);
            Return();
            _buffer = larger;
        }

        fragment.CopyTo(_buffer.AsSpan(Length));
        Length = length;
    }

    /// <summary>Hands the joined bytes over, with their buffer.</summary>
    public SpopPayload Take()
    {
        var payload = new SpopPayload(_buffer, Length);
        _buffer = [];
        Length = 0;
        return payload;
    }

    /// <summary>Gives the memory back.</summary>
    public void Free()
    {
        Return();
        _buffer = [];
        Length = 0;
    }

    private void Return()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }
}
