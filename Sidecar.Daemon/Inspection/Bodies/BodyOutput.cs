namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>The end of a flow's chain: puts together what one push releases, without copying where one run of bytes is all there is.</summary>
/// <remarks>
/// It needs no memory of the budgets, so what agents have let pass is never stuck: where runs must be joined, the reservation of the held ones
/// stands for the copy, and the others are in memory anyway, as bytes of the push or of an answer.
/// </remarks>
internal sealed class BodyOutput : IBodyOutput
{
    private readonly List<BodySegment> _runs = [];

    /// <inheritdoc/>
    public ValueTask PassAsync(BodyPush push, BodySegment bytes)
    {
        if (bytes.Bytes.IsEmpty)
        {
            bytes.Dispose();
        }
        else if (_runs is [.., { Offset: { } offset } before] && offset + before.Bytes.Length == bytes.Offset)
        {
            // Neighbours in the push: a longer view holds both.
            _runs[^1] = BodySegment.OfPush(push.Whole.Slice(offset, before.Bytes.Length + bytes.Bytes.Length), offset, bytes.IsLast);
        }
        else
        {
            _runs.Add(bytes);
        }

        return default;
    }

    /// <inheritdoc/>
    public ReleasedBytes Take()
    {
        var taken = _runs switch
        {
            [] => new ReleasedBytes(default, null, IsOfPush: true, 0),
            [var only] => new ReleasedBytes(only.Bytes, only.Owner, only.Offset is not null, only.Bytes.Length),
            _ => Joined(),
        };
        _runs.Clear();
        return taken;
    }

    /// <summary>Gives back what nobody took.</summary>
    public void Dispose()
    {
        _runs.ForEach(static run => run.Dispose());
        _runs.Clear();
    }

    private ReleasedBytes Joined()
    {
        var joined = new JoinedBytes(_runs);
        return new ReleasedBytes(joined.Memory, joined, IsOfPush: false, joined.Memory.Length);
    }
}
