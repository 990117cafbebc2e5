using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling;

/// <summary>Lets fake time pass in steps for code that sets its next timer on another thread.</summary>
internal static class ClockSteps
{
    /// <summary>Advances step by step, giving other threads a moment after each, until the condition holds.</summary>
    public static async Task StepUntilAsync(this FakeTimeProvider clock, TimeSpan step, Func<bool> condition, string what)
    {
        var real = TimeProvider.System;
        var start = real.GetTimestamp();
        while (!condition())
        {
            if (real.GetElapsedTime(start) > ScriptedAgent.Limit)
            {
                throw new TimeoutException($"Stepped in vain for: {what}.");
            }

            clock.Advance(step);
            await Task.Delay(TimeSpan.FromMilliseconds(1), real);
        }
    }
}
