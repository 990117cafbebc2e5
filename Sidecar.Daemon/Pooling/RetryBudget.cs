namespace Sidecar.Daemon.Pooling;

/// <summary>
/// How many calls may be made a second time because their connection ended: together at most a tenth of the calls that end, beside ten a
/// second. An agent that dies of what it is asked must not be asked twice as much.
/// </summary>
/// <remarks>Unused, it grows to what one end of all connections can need. Safe from any thread.</remarks>
/// <param name="limit">Says how many calls have ended and how many may be in flight.</param>
/// <param name="time">The clock.</param>
internal sealed class RetryBudget(CallLimit limit, TimeProvider time)
{
    private const double PartOfCalls = 0.1;
    private const double PerSecond = 10;
    private const int LeastFull = 100;

    private readonly Lock _gate = new();
    private double _left = LeastFull;
    private long _ended;
    private long _looked = time.GetTimestamp();

    /// <summary>Takes one; false when there is none.</summary>
    public bool TryTake()
    {
        lock (_gate)
        {
            var (ended, now) = (limit.Ended, time.GetTimestamp());
            var earned = (PartOfCalls * (ended - _ended)) + (PerSecond * time.GetElapsedTime(_looked, now).TotalSeconds);
            (_ended, _looked) = (ended, now);
            _left = Math.Min(_left + earned, Math.Max(LeastFull, limit.Current));
            if (_left < 1)
            {
                return false;
            }

            _left--;
            return true;
        }
    }
}
