using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>The deadlines of a session that no answer has: HELLO, the rest of a frame, idleness, and a peer that does not read.</summary>
/// <remarks>All members but <see cref="IsNotReading"/> are for the read loop; that one is for the one who looks after all sessions.</remarks>
internal sealed class SpopWatch(SpopListenerOptions options, TimeProvider time, FrameOutput output)
{
    private readonly long _opened = time.GetTimestamp();
    private long _lastFrame = time.GetTimestamp();
    private long? _partialSince;
    private bool _isGreeted;
    private bool _isBusy;
    private Task? _stuck;
    private long _stuckSince;

    /// <summary>A whole frame has come.</summary>
    public void FrameCame()
    {
        _lastFrame = time.GetTimestamp();
        _partialSince = null;
    }

    /// <summary>What is the matter after all whole frames are handled.</summary>
    /// <param name="rest">Bytes of a frame that is not whole.</param>
    /// <param name="isGreeted">Whether HELLO was answered.</param>
    /// <param name="isBusy">Whether messages are in work.</param>
    public void Note(long rest, bool isGreeted, bool isBusy)
    {
        _partialSince = rest == 0 ? null : _partialSince ?? time.GetTimestamp();
        (_isGreeted, _isBusy) = (isGreeted, isBusy);
    }

    /// <summary>The deadline that has passed; null while none has.</summary>
    public SpopSessionEnd? Overdue() =>
        !_isGreeted && time.GetElapsedTime(_opened) >= options.HelloTimeout ? SpopSessionEnd.TooSlow($"no HAPROXY-HELLO within {options.HelloTimeout.TotalSeconds:0.###} s")
        : _partialSince is { } since && time.GetElapsedTime(since) >= options.FrameTimeout ? SpopSessionEnd.TooSlow($"a frame took more than {options.FrameTimeout.TotalSeconds:0.###} s to arrive")
        : !_isBusy && time.GetElapsedTime(_lastFrame) >= options.IdleTimeout ? SpopSessionEnd.TooSlow($"no frame for {options.IdleTimeout.TotalSeconds:0.###} s")
        : null;

    /// <summary>The timestamp this long ago.</summary>
    public long Before(TimeSpan span) => time.GetTimestamp() - (long)(span.TotalSeconds * time.TimestampFrequency);

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
}
