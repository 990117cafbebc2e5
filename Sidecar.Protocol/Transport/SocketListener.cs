using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// The one loop that accepts connections: bounded, each connection tracked to its end, pausing where the process has no descriptor or
/// memory for one more. It ends in steps, so that its owner decides what happens between them: <see cref="StopAcceptingAsync"/>,
/// <see cref="DrainAsync"/>, <see cref="AbortAsync"/>.
/// </summary>
/// <remarks>
/// All members are safe from any thread. A failed accept never ends the loop; only <see cref="StopAcceptingAsync"/> does.
/// </remarks>
internal sealed class SocketListener : IAsyncDisposable
{
    // What a listener takes out of the reserve, too: a process that needs more by itself than was thought still serves.
    private const int AlwaysTaken = 2;

    private readonly SocketListenerOptions _options;
    private readonly Func<AcceptedSocket, Task> _serve;
    private readonly ILogger _logger;
    private readonly LogThrottle _throttle;
    private readonly AcceptPause _pause;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly HashSet<AcceptedSocket> _open = [];
    private TaskCompletionSource? _room;
    private Socket? _socket;
    private Task _accepting = Task.CompletedTask;
    private bool _isStarted;
    private bool _hasStopped;

    /// <summary>A listener that does not accept yet.</summary>
    /// <param name="options">What it bears.</param>
    /// <param name="serve">
    /// Serves a connection to its end and closes its socket. It is called by the loop, which goes on at its first wait, so that whatever it
    /// does before is done when <see cref="StopAcceptingAsync"/> returns.
    /// </param>
    /// <param name="logger">Is told, at a pace, of every bound that is reached.</param>
    public SocketListener(SocketListenerOptions options, Func<AcceptedSocket, Task> serve, ILogger logger)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxConnections, 1);
        (_options, _serve, _logger) = (options, serve, logger);
        _throttle = new LogThrottle(options.Time);
        _pause = new AcceptPause(options, _throttle, logger);
    }

    /// <summary>Connections open now; never more than the limit.</summary>
    public int Open
    {
        get
        {
            lock (_gate)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>The connections that are open now.</summary>
    public IReadOnlyList<AcceptedSocket> Connections
    {
        get
        {
            lock (_gate)
            {
                return [.. _open];
            }
        }
    }

    /// <summary>Starts to accept.</summary>
    /// <param name="socket">Bound; owned from now on, and closed when it stops.</param>
    /// <exception cref="SocketException">It cannot listen.</exception>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    public void Start(Socket socket)
    {
        _socket = socket;
        socket.Listen(_options.Backlog);
        Start(socket.AcceptAsync);
    }

    /// <summary>Starts to accept from something else than a socket's queue.</summary>
    internal void Start(Func<CancellationToken, ValueTask<Socket>> accept)
    {
        lock (_gate)
        {
            if (_isStarted)
            {
                throw new InvalidOperationException($"the listener {_options.Name} was started already; make a new one");
            }

            _isStarted = true;
            using (ExecutionContext.SuppressFlow())
            {
                _accepting = Task.Run(() => AcceptAsync(accept, _stopping.Token), CancellationToken.None);
            }
        }
    }

    /// <summary>Accepts no more and closes the listening socket; who is connected is still served. May be called again.</summary>
    public async Task StopAcceptingAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        _socket?.Dispose();
        lock (_gate)
        {
            _hasStopped = true;
            EndIfOver();
        }
    }

    /// <summary>Waits until every connection has ended. Only after <see cref="StopAcceptingAsync"/>.</summary>
    /// <param name="deadline">Ends the wait.</param>
    /// <returns>False when it was the deadline that ended it.</returns>
    public async Task<bool> DrainAsync(CancellationToken deadline)
    {
        await _ended.Task.WaitAsync(deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _ended.Task.IsCompleted;
    }

    /// <summary>Stops accepting, closes what is left under its handlers and waits for them.</summary>
    public async Task AbortAsync()
    {
        await StopAcceptingAsync().ConfigureAwait(false);
        foreach (var accepted in Connections)
        {
            accepted.Close();
        }

        await _ended.Task.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync() => await AbortAsync().ConfigureAwait(false);

    private async Task AcceptAsync(Func<CancellationToken, ValueTask<Socket>> accept, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            if (_options.Refuse is null && FullUntil() is { } room)
            {
                await room.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            Socket socket;
            try
            {
                socket = await accept(stopping).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                if (!stopping.IsCancellationRequested && !IsOfThePeer(e))
                {
                    await _pause.AfterAsync(e, stopping).ConfigureAwait(false);
                }

                continue;
            }

            _pause.Reset();
            var touchesReserve = _options.Reserve.IsTouchedBy(socket);
            Take(socket);
            if (touchesReserve)
            {
                await _pause.UntilReserveIsWholeAsync(() => Open >= AlwaysTaken, stopping).ConfigureAwait(false);
            }
        }
    }

    // The peer went before it was accepted: nothing that a pause would mend.
    private static bool IsOfThePeer(Exception error) =>
        error is SocketException { SocketErrorCode: SocketError.ConnectionAborted or SocketError.ConnectionReset };

    // Ends when there is room again; null while there is.
    private Task? FullUntil()
    {
        TaskCompletionSource room;
        lock (_gate)
        {
            if (_open.Count < _options.MaxConnections)
            {
                return null;
            }

            room = _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        if (_throttle.MayLog("limit", out var leftOut))
        {
            TransportLog.Full(_logger, _options.Name, _options.MaxConnections, _options.LimitName, leftOut);
        }

        return room.Task;
    }

    private void Take(Socket socket)
    {
        var accepted = new AcceptedSocket(socket);
        bool hasPlace;
        lock (_gate)
        {
            hasPlace = _open.Count < _options.MaxConnections && _open.Add(accepted);
        }

        if (hasPlace)
        {
            _ = ServeAsync(accepted);
        }
        else
        {
            Refuse(accepted);
        }
    }

    private void Refuse(AcceptedSocket accepted)
    {
        if (_throttle.MayLog("limit", out var leftOut))
        {
            TransportLog.Refused(_logger, _options.Name, _options.MaxConnections, _options.LimitName, leftOut);
        }

        try
        {
            _options.Refuse?.Invoke(accepted);
        }
        catch (Exception e)
        {
            LogFailure(e);
        }

        accepted.Close();
    }

    // Never throws: it is the last to know of the connection.
    private async Task ServeAsync(AcceptedSocket accepted)
    {
        try
        {
            if (accepted.Socket is { AddressFamily: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 } tcp)
            {
                tcp.NoDelay = true;
            }

            await _serve(accepted).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (!accepted.IsGone)
            {
                LogFailure(e);
                accepted.Close();
            }
        }
        finally
        {
            Remove(accepted);
        }
    }

    private void Remove(AcceptedSocket accepted)
    {
        TaskCompletionSource? room;
        lock (_gate)
        {
            _open.Remove(accepted);
            (room, _room) = (_room, null);
            EndIfOver();
        }

        room?.TrySetResult();
    }

    // Under the lock.
    private void EndIfOver()
    {
        if (_hasStopped && _open.Count == 0)
        {
            _ended.TrySetResult();
        }
    }

    private void LogFailure(Exception error)
    {
        if (_throttle.MayLog("serve", out var leftOut))
        {
            TransportLog.ConnectionFailed(_logger, _options.Name, leftOut, error);
        }
    }
}
