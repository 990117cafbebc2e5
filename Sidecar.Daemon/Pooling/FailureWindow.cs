using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Pooling;

/// <summary>Calls and failures of the last while, in ten slices that are reused. Safe from any thread; the way of a call takes no lock.</summary>
/// <remarks>A call that is added while its slice begins anew may be lost; the rate does not notice.</remarks>
internal sealed class FailureWindow(TimeSpan length, TimeProvider time)
{
    private const int Slices = 10;

    private readonly Lock _gate = new();
    private readonly Slice[] _slices = new Slice[Slices];
    private readonly long _ticksPerSlice = Math.Max(1, length.Ticks / Slices);
    private readonly long _begin = time.GetTimestamp();

    /// <summary>Adds a call that has ended.</summary>
    public void Add(bool failed)
    {
        var number = Current();
        ref var slice = ref _slices[number % Slices];
        if (Volatile.Read(ref slice.Number) != number)
        {
            lock (_gate)
            {
                if (slice.Number != number)
                {
                    (slice.Calls, slice.Failures) = (0, 0);
                    Volatile.Write(ref slice.Number, number);
                }
            }
        }

        Interlocked.Increment(ref slice.Calls);
        if (failed)
        {
            Interlocked.Increment(ref slice.Failures);
        }
    }

    /// <summary>The calls of the window and how many of them failed.</summary>
    public (int Calls, int Failures) Sum()
    {
        var number = Current();
        var (calls, failures) = (0, 0);
        foreach (ref var slice in _slices.AsSpan())
        {
            if (Volatile.Read(ref slice.Number) is var of && of > number - Slices && of <= number)
            {
                calls += Volatile.Read(ref slice.Calls);
                failures += Volatile.Read(ref slice.Failures);
            }
        }

        return (calls, failures);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            foreach (ref var slice in _slices.AsSpan())
            {
                (slice.Calls, slice.Failures) = (0, 0);
            }
        }
    }

    private long Current() => time.GetElapsedTime(_begin).Ticks / _ticksPerSlice;

    [StructLayout(LayoutKind.Auto)]
    private struct Slice
    {
        public long Number;
        public int Calls;
        public int Failures;
    }
}
