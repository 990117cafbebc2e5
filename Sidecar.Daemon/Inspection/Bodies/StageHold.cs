using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>What a stage holds back, and the way on from it. For one push at a time.</summary>
internal sealed class StageHold(ByteBudget ofAgent, ByteBudget ofAll, IBodySink next) : IDisposable
{
    private HeldBytes _held = new(ofAgent, ofAll);

    /// <summary>Bytes held.</summary>
    public int Length => _held.Length;

    /// <summary>Adds a copy of bytes; false, and nothing added, when no memory came free in time.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="room">Memory to have, at least for these bytes.</param>
    /// <param name="deadline">How long to wait for it.</param>
    public async ValueTask<bool> TryAddAsync(ReadOnlyMemory<byte> bytes, long room, long deadline)
    {
        if (!await _held.TryGrowAsync(room, deadline).ConfigureAwait(false))
        {
            return false;
        }

        _held.Append(bytes.Span);
        return true;
    }

    /// <summary>Takes everything out; it belongs to the caller.</summary>
    public HeldBytes Detach()
    {
        var held = _held;
        _held = new HeldBytes(ofAgent, ofAll);
        return held;
    }

    /// <summary>Lets everything held go on.</summary>
    public ValueTask ReleaseAsync(BodyPush push) =>
        _held.Length == 0 ? default : next.PassAsync(push, PassedBytes.HandedOver(Detach(), isLast: false));

    /// <summary>Forgets what is held and gives the memory back.</summary>
    public void Dispose() => _held.Dispose();
}
