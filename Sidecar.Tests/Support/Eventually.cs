namespace Sidecar.Tests.Support;

/// <summary>Waits for what has no event to wait for: a file, a process, a counter of the operating system.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Polls until the condition holds.</summary>
    /// <param name="condition">Asked again and again on the thread pool; without side effects.</param>
    /// <param name="limit">A generous limit, for example 30 s; only a failing test uses it up.</param>
    /// <param name="what">What is waited for, for the message.</param>
    /// <exception cref="TimeoutException">It did not hold within the limit.</exception>
    public static Task TrueAsync(Func<bool> condition, TimeSpan limit, string what) =>
        TrueAsync(() => Task.FromResult(condition()), limit, what);

    /// <summary>Moves a clock on step by step, until what its timers bring about has come to pass.</summary>
    /// <remarks>For what is done by other threads: one jump could come before the timer that it is meant for.</remarks>
    /// <param name="clock">The clock.</param>
    /// <param name="step">How far each time.</param>
    /// <param name="condition">Asked after each step; without side effects.</param>
    /// <param name="what">What is waited for, for the message.</param>
    /// <exception cref="TimeoutException">It did not hold within a generous limit of real time.</exception>
    public static Task TrueAsync(FakeTimeProvider clock, TimeSpan step, Func<bool> condition, string what) => TrueAsync(
        () =>
        {
            clock.Advance(step);
            return condition();
        },
        TimeSpan.FromSeconds(60),
        what);

    /// <inheritdoc cref="TrueAsync(Func{bool}, TimeSpan, string)"/>
    public static async Task TrueAsync(Func<Task<bool>> condition, TimeSpan limit, string what)
    {
        // Real time on purpose: what is polled lives outside this process and follows no fake clock.
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        while (!await condition().ConfigureAwait(false))
        {
            if (clock.GetElapsedTime(start) >= limit)
            {
                throw new TimeoutException($"Waited {limit.TotalSeconds:0.###} s in vain for: {what}.");
            }

            await Task.Delay(Pause, clock).ConfigureAwait(false);
        }
    }
}
