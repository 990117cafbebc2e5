namespace Sidecar.Protocol.Transport;

/// <summary>
/// The outputs that a thread has appended to while it works through what one receive brought. It flushes them itself, after every eight
/// frames and at the end: one write for each, and no hop to another thread.
/// </summary>
/// <remarks>
/// Each thread has its own. An output is in it only while its loop sleeps, and that loop runs here until its first real wait: a send that
/// would block goes on elsewhere. What is appended outside of a batch, or while one is flushed, goes the common way.
/// </remarks>
internal sealed class FlushBatch
{
    // Far more than the connections that one receive concerns.
    private const int MaxOutputs = 64;

    // What came together is answered in parts, so that the other side works on the first while this one works on the rest.
    private const int FramesOfAFlush = 8;

    // Decoding one takes as long as several small ones, and others may have left frames to this thread.
    private const int LargeFrame = 16 * 1024;

    [ThreadStatic]
    private static FlushBatch? _ofThread;

    private readonly FrameOutput[] _outputs = new FrameOutput[MaxOutputs];
    private int _count;
    private int _depth;
    private int _frames;
    private bool _isFlushing;

    /// <summary>
    /// From now on, until <see cref="End"/>, what this thread appends waits for the end of the batch. Batches nest; the outermost ends.
    /// </summary>
    public static void Begin() => (_ofThread ??= new FlushBatch())._depth++;

    /// <summary>Ends what <see cref="Begin"/> began on this thread, and flushes.</summary>
    public static void End()
    {
        var batch = _ofThread!;
        if (--batch._depth == 0 && !batch._isFlushing)
        {
            batch.Flush();
        }
    }

    /// <summary>
    /// The next of the frames that came together is about to be worked through. What earlier ones sent does not wait for many, nor for a
    /// large one.
    /// </summary>
    /// <param name="bytes">Its length.</param>
    public static void Next(long bytes)
    {
        var batch = _ofThread!;
        if ((batch._frames >= FramesOfAFlush || bytes > LargeFrame) && !batch._isFlushing)
        {
            batch.Flush();
        }

        batch._frames++;
    }

    /// <summary>Takes an output that has something to write and whose loop sleeps; false where the caller has to wake it.</summary>
    public static bool TryAdd(FrameOutput output)
    {
        if (_ofThread is not { _depth: > 0, _isFlushing: false, _count: < MaxOutputs } batch)
        {
            return false;
        }

        batch._outputs[batch._count++] = output;
        return true;
    }

    // A peer in the same process may run on this thread, and append again: that goes the common way, so this ends.
    private void Flush()
    {
        (_frames, _isFlushing) = (0, true);
        try
        {
            for (var i = 0; i < _count; i++)
            {
                _outputs[i].Wake();
            }
        }
        finally
        {
            Array.Clear(_outputs, 0, _count);
            (_count, _isFlushing) = (0, false);
        }
    }
}
