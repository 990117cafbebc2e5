using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// What a stage holds back: bytes of its own, and after them runs that stay where they are until the end of the push. For one push at a
/// time.
/// </summary>
/// <param name="ofAgent">The budget of the agent; null when the bytes are not to count for it.</param>
/// <param name="ofAll">The budget of all agents.</param>
/// <param name="next">Where bytes go on to.</param>
internal sealed class StageHold(ByteBudget? ofAgent, ByteBudget ofAll, SegmentQueue next) : IDisposable
{
    private readonly List<BodySegment> _borrowed = [];
    private BodyBuffer _held = new(ofAgent, ofAll);

    /// <summary>Bytes held, borrowed ones not counted.</summary>
    public int Length => _held.Length;

    /// <summary>Bytes that are borrowed.</summary>
    public long Borrowed { get; private set; }

    /// <summary>Makes room, waiting for memory until the deadline. False, and nothing changed, when there is none.</summary>
    public ValueTask<bool> TryGrowAsync(long room, long deadline) => _held.TryGrowAsync(room, deadline);

    /// <summary>Adds a copy of bytes, for which there must be room, and disposes of them.</summary>
    public void Add(BodySegment bytes)
    {
        _held.Append(bytes.Bytes.Span);
        bytes.Dispose();
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
            Borrowed += bytes.Bytes.Length;
        }
    }

    /// <summary>
    /// Makes what is borrowed the hold's own where that takes no memory: there is nothing, or it is all of a collection of the same agent.
    /// </summary>
    public bool TryKeep()
    {
        if (_borrowed is [{ Owner: { } owner } only] && _held.Length == 0 && owner.IsPaidBy(ofAgent) && only.Bytes.Length == owner.Length)
        {
            _held.Dispose();
            _held = owner;
            ForgetBorrowed();
        }

        return _borrowed.Count == 0;
    }

    /// <summary>Copies what is borrowed, for which there must be room.</summary>
    public void Keep()
    {
        foreach (var run in _borrowed)
        {
            Add(run);
        }

        ForgetBorrowed();
    }

    /// <summary>Takes out the bytes that are the hold's own; they belong to the caller.</summary>
    public BodyBuffer Detach()
    {
        var held = _held;
        _held = new BodyBuffer(ofAgent, ofAll);
        return held;
    }

    /// <summary>Lets everything held go on.</summary>
    public void Release()
    {
        if (_held.Length > 0)
        {
            next.Pass(BodySegment.Held(Detach(), isLast: false));
        }

        foreach (var run in _borrowed)
        {
            next.Pass(run);
        }

        ForgetBorrowed();
    }

    /// <summary>Forgets what is held and gives the memory back.</summary>
    public void Drop()
    {
        Detach().Dispose();
        _borrowed.ForEach(static run => run.Dispose());
        ForgetBorrowed();
    }

    /// <inheritdoc/>
    public void Dispose() => Drop();

    private void ForgetBorrowed()
    {
        _borrowed.Clear();
        Borrowed = 0;
    }
}
