using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// The deadlines of a connection that no answer has: HELLO, the rest of a frame, idleness, and a peer that does not read.
/// </summary>
/// <remarks>
/// All members but <see cref="IsDue"/> and <see cref="IsNotReading"/> are for the read loop; these two are for the one who looks after all
/// connections.
/// </remarks>
internal sealed class SpopTimeouts(SpopListenerOptions options, TimeProvider time, FrameOutput output)
{
    private readonly long _opened = time.GetTimestamp();
    private long _lastFrame = time.GetTimestamp();
    private long? _partialSince;
    private bool _isGreeted;
    private bool _isBusy;
    private long _due = time.GetTimestamp() + Ticks(options.HelloTimeout, time);
    private Task? _stuck;
    private long _stuckSince;

    /// <summary>A whole frame has come.</summary>
    /// <param name="when">A timestamp.</param>
    public void FrameCame(long when)
    {
        _lastFrame = when;
        _partialSince = null;
    }

    /// <summary>What is the matter after all whole frames are handled.</summary>
    /// <param name="rest">Bytes of a frame that is not whole.</param>
    /// <param name="isGreeted">Whether HELLO was answered.</param>
    /// <param name="isBusy">Whether messages are in work.</param>
    /// <param name="hasFragments">Whether fragments are kept, each with a deadline of its own.</param>
    public void Note(long rest, bool isGreeted, bool isBusy, bool hasFragments)
    {
        _partialSince = rest == 0 ? null : _partialSince ?? time.GetTimestamp();
        (_isGreeted, _isBusy) = (isGreeted, isBusy);
        var due = _lastFrame + Ticks(options.IdleTimeout, time);
        due = isGreeted ? due : Math.Min(due, _opened + Ticks(options.HelloTimeout, time));
        due = _partialSince is { } since ? Math.Min(due, since + Ticks(options.FrameTimeout, time)) : due;
        Volatile.Write(ref _due, hasFragments ? long.MinValue : due);
    }

    /// <summary>Whether a deadline may have passed, so that the read loop has to look.</summary>
    public bool IsDue => time.GetTimestamp() >= Volatile.Read(ref _due);

    /// <summary>The deadline that has passed; null while none has.</summary>
    public SpopConnectionEnd? Overdue() =>
        !_isGreeted && time.GetElapsedTime(_opened) >= options.HelloTimeout ? SpopConnectionEnd.NoHello(options.HelloTimeout)
        : _partialSince is { } since && time.GetElapsedTime(since) >= options.FrameTimeout
            ? SpopConnectionEnd.TooSlow($"a frame took more than {options.FrameTimeout.TotalSeconds:0.###} s to arrive")
        : !_isBusy && time.GetElapsedTime(_lastFrame) >= options.IdleTimeout
            ? SpopConnectionEnd.TooSlow($"no frame for {options.IdleTimeout.TotalSeconds:0.###} s")
        : null;

    /// <summary>The timestamp this long ago.</summary>
    public long Before(TimeSpan span) => time.GetTimestamp() - Ticks(span, time);

    /// <summary>Whether our answers have been lying unread for too long.</summary>
    public bool IsNotReading()
    {
        var room = output.WaitForRoomAsync();
        if (room.IsCompleted)
        {
            _stuck = null;
            return false;
        }

        if (!ReferenceEquals(_stuck, room))
        {
            (_stuck, _stuckSince) = (room, time.GetTimestamp());
            return false;
        }

        return time.GetElapsedTime(_stuckSince) >= options.WriteTimeout;
    }

    private static long Ticks(TimeSpan span, TimeProvider time) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
