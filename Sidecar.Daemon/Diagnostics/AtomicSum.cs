namespace Sidecar.Daemon.Diagnostics;

/// <summary>Sums of floating-point numbers that many threads add to.</summary>
internal static class AtomicSum
{
    /// <summary>Adds <paramref name="value"/> to <paramref name="sum"/>; no addition is lost.</summary>
    public static void Add(ref double sum, double value)
    {
        var seen = Volatile.Read(ref sum);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref sum, seen + value, seen);

            // Bits, not values: a sum that became NaN would never equal itself.
            if (BitConverter.DoubleToInt64Bits(before) == BitConverter.DoubleToInt64Bits(seen))
            {
                return;
            }

            seen = before;
        }
    }
}
