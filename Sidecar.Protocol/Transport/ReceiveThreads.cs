namespace Sidecar.Protocol.Transport;

/// <summary>Threads that each receive for one connection, as many as are worth it. Safe from any thread.</summary>
/// <remarks>
/// A thread that blocks in a receive is woken by the kernel with the bytes at hand. With many connections the runtime's one waiting thread,
/// which wakes for many of them at once, is cheaper, and costs no stack each.
/// </remarks>
/// <param name="most">Threads at once.</param>
internal sealed class ReceiveThreads(int most)
{
    // What runs until its first wait is shallow; an unused stack is address space only.
    private const int StackSize = 512 * 1024;

    private int _count;

    /// <summary>
    /// Those of the process: 32, as many as the connections to a few agents and of a few clients of the agent protocol together.
    /// </summary>
    public static ReceiveThreads OfProcess { get; } = new(32);

    /// <summary>How many run.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Whether one more may be started now.</summary>
    public bool HasRoom => Count < most;

    /// <summary>Starts one that ends when this returns; false when there are as many as may be.</summary>
    /// <param name="receive">What it does; never throws.</param>
    public bool TryStart(Action receive)
    {
        if (Interlocked.Increment(ref _count) > most)
        {
            Interlocked.Decrement(ref _count);
            return false;
        }

        try
        {
            new Thread(Run, StackSize) { IsBackground = true, Name = "receive" }.UnsafeStart();
            return true;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            // The system's limit of threads: this one does without.
            Interlocked.Decrement(ref _count);
            return false;
        }

        void Run()
        {
            receive();
            Interlocked.Decrement(ref _count);
        }
    }
}
