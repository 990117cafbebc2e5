namespace Sidecar.Daemon.Agents.Reverse;

/// <summary>Bounds how often peers may try to register within a second, so that tokens cannot be guessed fast nor the daemon be kept busy.</summary>
/// <remarks>For the one loop that accepts; not synchronised. The first attempt after a second of rest begins the next second.</remarks>
internal sealed class AttemptLimit(int perSecond, TimeProvider time)
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private long _began;
    private int _attempts;

    /// <summary>Counts one attempt; false when it is one too many.</summary>
    public bool TryCount()
    {
        if (_attempts == 0 || time.GetElapsedTime(_began) >= Second)
        {
            (_began, _attempts) = (time.GetTimestamp(), 0);
        }

        if (_attempts >= perSecond)
        {
            return false;
        }

        _attempts++;
        return true;
    }
}
