using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// What a stage holds back, and the way on from it: bytes of its own, and after them runs that stay where they are until the end of the push. For one push at a
/// time.
/// </summary>
internal sealed class StageHold(ByteBudget? ofAgent, ByteBudget ofAll, IBodySink next) : IDisposable
{
    private readonly List<BodySegment> _borrowed = [];
    private BodyBuffer _held = new(ofAgent, ofAll);

    /// <summary>Bytes held, borrowed ones not counted.</summary>
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

    /// <summary>Adds bytes without copying them; they are disposed of here. Before the push ends, they are released or kept.</summary>
    public void Borrow(BodySegment bytes)
    {
        if (bytes.Bytes.IsEmpty)
        {
            bytes.Dispose();
        }
        else
        {
            _borrowed.Add(bytes);
        }
    }

    /// <summary>Makes what is borrowed the hold's own; false, and nothing changed, when no memory came free in time.</summary>
    public async ValueTask<bool> TryKeepAsync(long deadline)
    {
        if (_borrowed.Count == 0)
        {
            return true;
        }

        if (_borrowed is [{ Owner: { } owner } only] && _held.Length == 0 && owner.IsPaidBy(ofAgent) && only.Bytes.Length == owner.Length)
        {
            // The agent's own collection, all of it: nothing has to be copied.
            _held.Dispose();
            _held = owner;
        }
        else
        {
            if (!await _held.TryGrowAsync(_borrowed.Sum(static run => (long)run.Bytes.Length), deadline).ConfigureAwait(false))
            {
                return false;
            }

            foreach (var run in _borrowed)
            {
                _held.Append(run.Bytes.Span);
                run.Dispose();
            }
        }

        _borrowed.Clear();
        return true;
    }

    /// <summary>Takes out the bytes that are the hold's own; they belong to the caller.</summary>
    public BodyBuffer Detach()
    {
        var held = _held;
        _held = new BodyBuffer(ofAgent, ofAll);
        return held;
    }

    /// <summary>Lets everything held go on.</summary>
    public async ValueTask ReleaseAsync(BodyPush push)
    {
        if (_held.Length > 0)
        {
            await next.PassAsync(push, BodySegment.Held(Detach(), isLast: false)).ConfigureAwait(false);
        }

        while (_borrowed.Count > 0)
        {
            var first = _borrowed[0];
            _borrowed.RemoveAt(0);
            await next.PassAsync(push, first).ConfigureAwait(false);
        }
    }

    /// <summary>Forgets what is held and gives the memory back.</summary>
    public void Drop()
    {
        Detach().Dispose();
        _borrowed.ForEach(static run => run.Dispose());
        _borrowed.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => Drop();
}
