using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>The end of a flow's chain: puts together what one push releases, without copying where one run of bytes is all there is.</summary>
internal sealed class BodyOutput(ByteBudget memory) : IBodyOutput
{
    private ReadOnlyMemory<byte> _bytes;
    private HeldBytes? _owner;
    private BytesOrigin _origin;
    private int _offset;

    /// <inheritdoc/>
    public async ValueTask PassAsync(BodyPush push, PassedBytes bytes)
    {
        if (bytes.Bytes.IsEmpty)
        {
            bytes.Owner?.Dispose();
            return;
        }

        if (_bytes.IsEmpty && bytes.Origin != BytesOrigin.Lent)
        {
            _owner?.Dispose();
            (_bytes, _owner, _origin, _offset) = (bytes.Bytes, bytes.Owner, bytes.Origin, bytes.Offset);
            return;
        }

        // Neighbours in the push: the end of the first is the beginning of the second, so a longer view holds both.
        if (_origin == BytesOrigin.Push && bytes.Origin == BytesOrigin.Push && _offset + _bytes.Length == bytes.Offset)
        {
            _bytes = push.Whole.Slice(_offset, _bytes.Length + bytes.Bytes.Length);
            return;
        }

        using (bytes.Owner)
        {
            var joined = _origin == BytesOrigin.HandedOver && _owner is not null ? _owner : new HeldBytes(null, memory);
            var kept = ReferenceEquals(joined, _owner) ? default : _bytes;
            if (!await joined.TryGrowAsync(kept.Length + bytes.Bytes.Length, push.Deadline).ConfigureAwait(false))
            {
                if (!ReferenceEquals(joined, _owner))
                {
                    joined.Dispose();
                }

                push.Merger.Refuse(Cause.BodyMemory);
                return;
            }

            joined.Append(kept.Span);
            joined.Append(bytes.Bytes.Span);
            (_bytes, _owner, _origin) = (joined.Memory, joined, BytesOrigin.HandedOver);
        }
    }

    /// <inheritdoc/>
    public ReleasedBytes Take()
    {
        var taken = new ReleasedBytes(_bytes, _owner, _origin == BytesOrigin.Push, _bytes.Length);
        (_bytes, _owner, _origin, _offset) = (default, null, BytesOrigin.Push, 0);
        return taken;
    }

    /// <summary>Gives back what nobody took.</summary>
    public void Dispose() => Take().Owner?.Dispose();
}
