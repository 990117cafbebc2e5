using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Protocol.Transport;

/// <summary>Who reads a socket that a <see cref="SocketPoller"/> watches. Called on its thread, which must never be blocked.</summary>
internal interface IPolledSocket
{
    /// <summary>There is something to read, or an end, or nothing after all.</summary>
    void OnReadable();

    /// <summary>The poller calls no more.</summary>
    void OnPollerEnded();
}

/// <summary>A thread that waits for many sockets at once and calls whoever reads one when there is something to read.</summary>
/// <remarks>
/// The base library hands every event from a thread that waits to one of the pool, which spins before it sleeps: for short work that costs
/// more than the work itself. What those who are called send goes out from this thread (<see cref="FlushBatch"/>). Safe from any thread.
/// </remarks>
internal sealed class SocketPoller : IDisposable
{
    private const long WakeId = 0;

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<long, IPolledSocket> _watched = [];
    private readonly List<IPolledSocket> _called = [];
    private readonly Epoll _epoll = new();
    private readonly SafeFileHandle _wake;
    private readonly string _name;
    private readonly ILogger _logger;
    private long _lastId;
    private bool _stops;
    private bool _hasEnded;

    /// <summary>Starts the thread.</summary>
    /// <param name="name">The thread's name.</param>
    /// <param name="logger">Is told of what ends it, and of readers that fail.</param>
    /// <exception cref="IOException">The process has no descriptors left.</exception>
    public SocketPoller(string name, ILogger? logger = null)
    {
        (_name, _logger) = (name, logger ?? NullLogger.Instance);
        try
        {
            _wake = Epoll.NewSignal();
            Resume(WakeId, _wake);
        }
        catch
        {
            _wake?.Dispose();
            _epoll.Dispose();
            throw;
        }

        new Thread(Run) { Name = name, IsBackground = true }.UnsafeStart();
    }

    /// <summary>Completes when the thread has ended: after <see cref="Dispose"/>, or when it cannot wait any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Takes a socket's reader, which is called from its first <see cref="Resume"/> on.</summary>
    /// <returns>What to name it by from now on.</returns>
    /// <exception cref="IOException">The poller has ended.</exception>
    public long Take(IPolledSocket reader)
    {
        lock (_gate)
        {
            if (_hasEnded)
            {
                throw new IOException("the thread that reads for the listener has ended; restart the daemon unless it stops");
            }

            _watched.Add(++_lastId, reader);
            return _lastId;
        }
    }

    /// <summary>Calls a reader whose socket was closed under it: nothing else would tell.</summary>
    public void Call(IPolledSocket reader)
    {
        lock (_gate)
        {
            _called.Add(reader);
        }

        Wake();
    }

    /// <summary>Calls the reader whenever its socket can be read, or is at its end.</summary>
    /// <exception cref="IOException">The socket cannot be watched.</exception>
    public void Resume(long id, SafeHandle socket)
    {
        if (!_epoll.TryAdd(socket, id))
        {
            throw new IOException($"cannot wait for a socket: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>Calls no more until <see cref="Resume"/>. By whoever is called.</summary>
    public void Pause(SafeHandle socket) => _epoll.Remove(socket);

    /// <summary>Calls never again. By whoever is called, or while paused.</summary>
    public void Forget(long id, SafeHandle socket)
    {
        lock (_gate)
        {
            _watched.Remove(id);
        }

        _epoll.Remove(socket);
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
            Epoll.Signal(_wake);
        }
        catch (ObjectDisposedException)
        {
            // The thread has ended, and all that it had.
        }
    }

    private void Run()
    {
        try
        {
            int count;
            do
            {
                count = _epoll.Wait();
                if (count < 0)
                {
                    TransportLog.PollerEnded(_logger, _name, Marshal.GetLastPInvokeErrorMessage());
                }
            }
            while (count >= 0 && TakeAll(count));
        }
        finally
        {
            End();
        }
    }

    // False when the thread is to end.
    private bool TakeAll(int count)
    {
        FlushBatch.Begin();
        try
        {
            for (var i = 0; i < count; i++)
            {
                var id = _epoll.IdAt(i);
                if (id != WakeId)
                {
                    FlushBatch.Next(0);
                    Tell(Find(id), hasEnded: false);
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
        Epoll.Clear(_wake);
        IPolledSocket[] called;
        lock (_gate)
        {
            called = [.. _called];
            _called.Clear();
            if (_stops)
            {
                return false;
            }
        }

        foreach (var reader in called)
        {
            Tell(reader, hasEnded: false);
        }

        return true;
    }

    // What one connection makes of it is nothing to the others.
    private void Tell(IPolledSocket? reader, bool hasEnded)
    {
        try
        {
            if (hasEnded)
            {
                reader?.OnPollerEnded();
            }
            else
            {
                reader?.OnReadable();
            }
        }
        catch (Exception e)
        {
            TransportLog.ReaderFailed(_logger, _name, e);
        }
    }

    private IPolledSocket? Find(long id)
    {
        lock (_gate)
        {
            return _watched.GetValueOrDefault(id);
        }
    }

    private void End()
    {
        IPolledSocket[] left;
        lock (_gate)
        {
            _hasEnded = true;
            left = [.. _watched.Values];
        }

        foreach (var reader in left)
        {
            Tell(reader, hasEnded: true);
        }

        _epoll.Dispose();
        _wake.Dispose();
        _ended.TrySetResult();
    }
}
