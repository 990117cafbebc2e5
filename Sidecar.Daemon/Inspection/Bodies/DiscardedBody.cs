namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>The end of a flow of copies: only counts what would have gone on.</summary>
internal sealed class DiscardedBody : IBodyOutput
{
    private long _length;

    /// <inheritdoc/>
    public ValueTask PassAsync(BodyPush push, BodySegment bytes)
    {
        _length += bytes.Bytes.Length;
        bytes.Dispose();
        return default;
    }

    /// <inheritdoc/>
    public ReleasedBytes Take()
    {
        var taken = new ReleasedBytes(default, null, IsOfPush: false, _length);
        _length = 0;
        return taken;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
