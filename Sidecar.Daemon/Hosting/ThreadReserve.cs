namespace Sidecar.Daemon.Hosting;

/// <summary>
/// Threads of the pool that are there before they are needed: to start one takes descriptors and memory, and a runtime that has none for it
/// ends the process.
/// </summary>
/// <remarks>
/// The runtime keeps as many as <c>ThreadsToKeepAlive</c> of the project file says, however long they are idle. How many run at once is
/// decided as before: a higher least number would only have them get in each other's way.
/// </remarks>
internal static class ThreadReserve
{
    /// <summary>How many: 16, more than run at once on the machines that a daemon beside a proxy has for itself.</summary>
    public const int Threads = 16;

    // A machine that cannot start them by then has other troubles.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Has the pool start them, and waits until they run.</summary>
    public static void Fill()
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        if (workers >= Threads || !ThreadPool.SetMinThreads(Threads, ports))
        {
            return;
        }

        // Not disposed of: the last of them may still be at it.
        var all = new CountdownEvent(Threads);
        for (var i = 0; i < Threads; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static all =>
                {
                    all.Signal();
                    all.Wait(Patience);
                },
                all,
                preferLocal: false);
        }

        all.Wait(Patience);
        ThreadPool.SetMinThreads(workers, ports);
    }
}
