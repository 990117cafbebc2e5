namespace Sidecar.Tests.Pooling.Overload;

/// <summary>The time of a simulation: events in the order of their times, one after the other, on one thread. Its timers never fire.</summary>
internal sealed class VirtualTime : TimeProvider
{
    private readonly PriorityQueue<Action, (long At, long Number)> _events = new();
    private long _number;

    /// <summary>Now, in the clock's ticks.</summary>
    public long Now { get; private set; } = 1;

    /// <summary>Seconds since the beginning.</summary>
    public double Seconds => (double)Now / TimestampFrequency;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new NoTimer();

    /// <summary>Something happens then.</summary>
    public void At(long time, Action happens) => _events.Enqueue(happens, (Math.Max(time, Now), _number++));

    /// <summary>Something happens in so many seconds.</summary>
    public void In(double seconds, Action happens) => At(Now + TicksOf(seconds), happens);

    /// <summary>Lets time pass.</summary>
    public void RunUntil(double seconds)
    {
        while (_events.TryPeek(out _, out var next) && next.At <= TicksOf(seconds))
        {
            var happens = _events.Dequeue();
            Now = next.At;
            happens();
        }

        Now = TicksOf(seconds);
    }

    /// <summary>Seconds as ticks.</summary>
    public static long TicksOf(double seconds) => (long)(seconds * TimeSpan.TicksPerSecond);

    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
