using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// The kernel's <c>epoll</c>: waits for many descriptors, each with a number of the caller's, level-triggered. Safe from any thread.
/// </summary>
internal sealed class Epoll : IDisposable
{
    private const int MaxEvents = 64;
    private const int CloseOnExec = 0x80000;
    private const int Interrupted = 4;
    private const int Add = 1;
    private const int Delete = 2;

    // There is something to read, or an end; the peer sends no more.
    private const uint Readable = 1 | 0x2000;

    // struct epoll_event: a word of events and eight bytes of ours, packed on x86-64 only.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataOffset + sizeof(long);

    private readonly SafeFileHandle _epoll = Opened(Call.Create(CloseOnExec));

    // Of the one that waits.
    private readonly byte[] _events = new byte[MaxEvents * EventSize];

    /// <summary>A descriptor that <see cref="Signal"/> makes readable until <see cref="Clear"/>.</summary>
    /// <exception cref="IOException">The process has no descriptors left.</exception>
    public static SafeFileHandle NewSignal() => Opened(Call.EventDescriptor(0, CloseOnExec));

    /// <summary>Makes it readable.</summary>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public static void Signal(SafeHandle signal) => Call.Write(signal, BitConverter.GetBytes(1L), sizeof(long));

    /// <summary>The opposite.</summary>
    public static void Clear(SafeHandle signal) => Call.Read(signal, new byte[sizeof(long)], sizeof(long));

    /// <summary>
    /// Tells of a descriptor from now on; false, with the cause as the platform's last error, when it cannot or the descriptor is closed.
    /// </summary>
    public bool TryAdd(SafeHandle descriptor, long id) => TryChange(Add, descriptor, id);

    /// <summary>Tells of it no more; nothing happens where the kernel has forgotten it already.</summary>
    public void Remove(SafeHandle descriptor)
    {
        if (!descriptor.IsClosed)
        {
            TryChange(Delete, descriptor, 0);
        }
    }

    /// <summary>Waits without a limit. For one thread.</summary>
    /// <returns>
    /// How many are readable, whose numbers <see cref="IdAt"/> tells; 0 after a signal; less than 0 when it can wait no more.
    /// </returns>
    public int Wait()
    {
        var count = Call.Wait(_epoll, _events, MaxEvents, -1);
        return count < 0 && Marshal.GetLastPInvokeError() == Interrupted ? 0 : count;
    }

    /// <summary>The number of one that the last wait found.</summary>
    public long IdAt(int index) => BitConverter.ToInt64(_events, (index * EventSize) + DataOffset);

    public void Dispose() => _epoll.Dispose();

    private static SafeFileHandle Opened(int descriptor) => descriptor >= 0
        ? new SafeFileHandle(descriptor, ownsHandle: true)
        : throw new IOException($"cannot wait for sockets: {Marshal.GetLastPInvokeErrorMessage()}; raise the limit of open files");

    private bool TryChange(int operation, SafeHandle descriptor, long id)
    {
        var change = new byte[EventSize];
        BitConverter.TryWriteBytes(change, Readable);
        BitConverter.TryWriteBytes(change.AsSpan(DataOffset), id);
        try
        {
            return Call.Control(_epoll, operation, descriptor, change) == 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    // Plain DllImport: the source generator would need unsafe blocks, which this solution does not allow.
    private static class Call
    {
        [DllImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
        internal static extern int Create(int flags);

        [DllImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
        internal static extern int Control(SafeHandle epoll, int operation, SafeHandle descriptor, byte[] change);

        [DllImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
        internal static extern int Wait(SafeHandle epoll, [In, Out] byte[] events, int maxEvents, int timeout);

        [DllImport("libc", EntryPoint = "eventfd", SetLastError = true)]
        internal static extern int EventDescriptor(uint value, int flags);

        [DllImport("libc", EntryPoint = "read", SetLastError = true)]
        internal static extern nint Read(SafeHandle descriptor, [In, Out] byte[] bytes, nint length);

        [DllImport("libc", EntryPoint = "write", SetLastError = true)]
        internal static extern nint Write(SafeHandle descriptor, byte[] bytes, nint length);
    }
}
