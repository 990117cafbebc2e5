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
    /// <param name="failed">Whether it failed.</param>
    /// <param name="isLost">Whether it failed because its connection ended.</param>
    public void Add(bool failed, bool isLost = false)
    {
        var number = Current();
        ref var slice = ref _slices[number % Slices];
        if (Volatile.Read(ref slice.Number) != number)
        {
            lock (_gate)
            {
                if (slice.Number != number)
                {
                    (slice.Calls, slice.Failures, slice.Lost) = (0, 0, 0);
                    Volatile.Write(ref slice.Number, number);
                }
            }
        }

        Interlocked.Increment(ref slice.Calls);
        if (failed)
        {
            Interlocked.Increment(ref slice.Failures);
        }

        if (isLost)
        {
            Interlocked.Increment(ref slice.Lost);
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

    /// <summary>Whether most of the failures were ends of connections.</summary>
    public bool IsMostlyLost()
    {
        var number = Current();
        var (failures, lost) = (0, 0);
        foreach (ref var slice in _slices.AsSpan())
        {
            if (Volatile.Read(ref slice.Number) is var of && of > number - Slices && of <= number)
            {
                failures += Volatile.Read(ref slice.Failures);
                lost += Volatile.Read(ref slice.Lost);
            }
        }

        return lost * 2 > failures;
    }

    /// <summary>Forgets everything, or only the calls that ended with their connections.</summary>
    public void Clear(bool onlyLost = false)
    {
        lock (_gate)
        {
            foreach (ref var slice in _slices.AsSpan())
            {
                var (calls, failures) = onlyLost ? (slice.Calls - slice.Lost, slice.Failures - slice.Lost) : (0, 0);
                (slice.Calls, slice.Failures, slice.Lost) = (calls, failures, 0);
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
        public int Lost;
    }
}
