using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners;

/// <summary>A thread that waits for many sockets at once, with <c>epoll</c>, and calls whoever has one when there is something to read.</summary>
/// <remarks>
/// The base library hands every event from a thread that waits to one of the pool, which spins before it sleeps: for short work that costs more than the
/// work itself. What is called here must never block. Safe from any thread.
/// </remarks>
internal sealed class SocketPoller : IDisposable
{
    private const int MaxEvents = 64;
    private const long WakeId = 0;

    // struct epoll_event: a word of events and eight bytes of ours, packed on x86-64 only.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataOffset + sizeof(long);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<long, PolledConnection> _watched = [];
    private readonly List<PolledConnection> _called = [];
    private readonly SafeFileHandle _epoll;
    private readonly SafeFileHandle _wake;
    private long _lastId;
    private bool _stops;
    private bool _hasEnded;

    /// <summary>Starts the thread.</summary>
    /// <param name="name">The thread's name.</param>
    /// <exception cref="IOException">The process has no descriptors left.</exception>
    public SocketPoller(string name)
    {
        _epoll = Descriptor(NativeMethods.EpollCreate(NativeMethods.CloseOnExec));
        _wake = Descriptor(NativeMethods.EventDescriptor(0, NativeMethods.CloseOnExec));
        Control(NativeMethods.EpollAdd, _wake, WakeId);
        new Thread(Run) { Name = name, IsBackground = true }.UnsafeStart();
    }

    /// <summary>Completes when the thread has ended: after <see cref="Dispose"/>, or when it cannot wait any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Takes a connection, which is called from its first <see cref="Resume"/> on.</summary>
    /// <returns>What to name it by from now on.</returns>
    /// <exception cref="IOException">The poller has ended.</exception>
    public long Take(PolledConnection connection)
    {
        lock (_gate)
        {
            if (_hasEnded)
            {
                throw new IOException("the thread that reads for the listener has ended; restart the daemon unless it stops");
            }

            _watched.Add(++_lastId, connection);
            return _lastId;
        }
    }

    /// <summary>Calls a connection whose socket was closed under it: nothing else would tell.</summary>
    public void Call(PolledConnection connection)
    {
        lock (_gate)
        {
            _called.Add(connection);
        }

        Wake();
    }

    /// <summary>Calls the connection whenever its socket can be read, or is at its end.</summary>
    /// <exception cref="IOException">The socket cannot be watched.</exception>
    public void Resume(long id, SafeHandle socket) => Control(NativeMethods.EpollAdd, socket, id);

    /// <summary>Calls no more until <see cref="Resume"/>. By whoever is called.</summary>
    public void Pause(SafeHandle socket) => TryControl(NativeMethods.EpollDelete, socket, 0);

    /// <summary>Calls never again. By whoever is called, or while paused.</summary>
    public void Forget(long id, SafeHandle socket)
    {
        lock (_gate)
        {
            _watched.Remove(id);
        }

        TryControl(NativeMethods.EpollDelete, socket, 0);
    }

    /// <summary>Ends the thread, and with it what is still watched; <see cref="Ended"/> says when.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stops = true;
        }

        Wake();
    }

    private void Wake()
    {
        try
        {
            NativeMethods.Write(_wake, BitConverter.GetBytes(1L), sizeof(long));
        }
        catch (ObjectDisposedException)
        {
            // The thread has ended, and all that it had.
        }
    }

    private void Run()
    {
        var events = new byte[MaxEvents * EventSize];
        try
        {
            while (true)
            {
                var count = NativeMethods.EpollWait(_epoll, events, MaxEvents, -1);
                if (count < 0 && Marshal.GetLastPInvokeError() != NativeMethods.Interrupted)
                {
                    return;
                }

                if (!TakeAll(events, count))
                {
                    return;
                }
            }
        }
        finally
        {
            End();
        }
    }

    // What they send to agents goes out together and from here. False when the thread is to end.
    private bool TakeAll(byte[] events, int count)
    {
        FlushBatch.Begin();
        try
        {
            for (var i = 0; i < count; i++)
            {
                var id = BitConverter.ToInt64(events, (i * EventSize) + DataOffset);
                if (id != WakeId)
                {
                    FlushBatch.Next(0);
                    Find(id)?.OnReadable();
                }
                else if (!OnWoken())
                {
                    return false;
                }
            }

            return true;
        }
        finally
        {
            FlushBatch.End();
        }
    }

    // False when the thread is to end.
    private bool OnWoken()
    {
        NativeMethods.Read(_wake, new byte[sizeof(long)], sizeof(long));
        PolledConnection[] called;
        lock (_gate)
        {
            called = [.. _called];
            _called.Clear();
            if (_stops)
            {
                return false;
            }
        }

        foreach (var connection in called)
        {
            connection.OnReadable();
        }

        return true;
    }

    private PolledConnection? Find(long id)
    {
        lock (_gate)
        {
            return _watched.GetValueOrDefault(id);
        }
    }

    private void End()
    {
        PolledConnection[] left;
        lock (_gate)
        {
            _hasEnded = true;
            left = [.. _watched.Values];
        }

        foreach (var connection in left)
        {
            connection.OnPollerEnded();
        }

        _epoll.Dispose();
        _wake.Dispose();
        _ended.TrySetResult();
    }

    private void Control(int operation, SafeHandle descriptor, long id)
    {
        if (!TryControl(operation, descriptor, id))
        {
            throw new IOException($"cannot wait for a socket: error {Marshal.GetLastPInvokeError()} of epoll_ctl");
        }
    }

    // False also where the descriptor has been closed: the kernel has forgotten it then.
    private bool TryControl(int operation, SafeHandle descriptor, long id)
    {
        var change = new byte[EventSize];
        BitConverter.TryWriteBytes(change, NativeMethods.EpollIn | NativeMethods.EpollPeerHangup);
        BitConverter.TryWriteBytes(change.AsSpan(DataOffset), id);
        try
        {
            return NativeMethods.EpollControl(_epoll, operation, descriptor, change) == 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private static SafeFileHandle Descriptor(int made) => made >= 0
        ? new SafeFileHandle(made, ownsHandle: true)
        : throw new IOException($"cannot wait for sockets: error {Marshal.GetLastPInvokeError()}; raise the limit of open files");
}
