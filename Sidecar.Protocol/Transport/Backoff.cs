namespace Sidecar.Protocol.Transport;

/// <summary>
/// Waits that double from one failure to the next, with full jitter, so that many who lost one peer do not come back to it together.
/// </summary>
/// <remarks>For one task; not synchronised.</remarks>
internal sealed class Backoff(TimeSpan min, TimeSpan max, Random random)
{
    private int _failures;

    /// <summary>Failures since the last success.</summary>
    public int Failures => _failures;

    /// <summary>The wait after one more failure: uniform between the least wait and its current bound.</summary>
    public TimeSpan Next()
    {
        var bound = Math.Min(max.TotalMilliseconds, min.TotalMilliseconds * Math.Pow(2, Math.Min(_failures++, 30)));
        return TimeSpan.FromMilliseconds(min.TotalMilliseconds + (random.NextDouble() * Math.Max(0, bound - min.TotalMilliseconds)));
    }

    /// <summary>Waits within other bounds from now on; failures so far count.</summary>
    public void Within(TimeSpan least, TimeSpan most) => (min, max) = (least, most);

    /// <summary>It worked.</summary>
    public void Reset() => _failures = 0;
}
