namespace Sidecar.Tests.Support;

/// <summary>Measures what code allocates on the heap.</summary>
internal static class Allocations
{
    private const int Measurements = 5;

    /// <summary>The bytes that an action allocates on this thread when it is run so many times, warm: the least of a few measurements.</summary>
    /// <remarks>
    /// What the code allocates is in every measurement. The runtime now and then needs memory for itself and takes it on the thread that runs:
    /// a table that grows while a running loop is replaced by better code, an array whose pool was trimmed. That is in one, not in all.
    /// </remarks>
    public static long Of(int runs, Action action)
    {
        Run(runs, action);
        var least = long.MaxValue;
        for (var i = 0; i < Measurements; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Run(runs, action);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static void Run(int runs, Action action)
    {
        for (var i = 0; i < runs; i++)
        {
            action();
        }
    }
}
