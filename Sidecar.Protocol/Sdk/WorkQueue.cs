using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>
/// Bounds the events that are with the handler at once, over all connections of one agent. The others wait: those of a connection in the
/// order in which they came, the connections in turn, so that one that sends much does not keep the others waiting.
/// </summary>
/// <remarks>
/// How many may wait is each connection's own bound (<see cref="AgentConnectionOptions.MaxOutstandingEvents"/>). While nobody waits, a
/// worker is taken and given back without a lock. Safe from any thread.
/// </remarks>
internal sealed class WorkQueue : IDisposable
{
    // Beside the number of busy workers. Set exactly while something waits, which only happens while all are busy; changed under the lock.
    private const int SomethingWaits = int.MinValue;

    // Longer than any proxy waits for an answer.
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly LinkedList<WorkTurn> _turns = new();
    private readonly int _workers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LogThrottle _throttle;
    private int _state;
    private int _waiting;
    private long _handedOver;
    private long _handedOverBefore;
    private ITimer? _watch;

    /// <summary>A queue for the connections of one agent.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are to be no workers, or too many.</exception>
    public WorkQueue(AgentConnectionOptions options, ILogger logger)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Workers, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Workers, AgentConnectionOptions.MostWorkers);
        (_workers, _time, _logger) = (options.Workers, options.Time, logger);
        _throttle = new LogThrottle(options.Time);
    }

    /// <summary>
    /// Whether the work may begin now: with a worker, or cancelled, for then it needs none. If not, it waits, and begins by itself on the
    /// thread pool.
    /// </summary>
    public bool TryBegin(EventWork work)
    {
        if (TryTakeWorker(work))
        {
            return true;
        }

        lock (_gate)
        {
            // Whoever cancels it from now on finds it waiting.
            if (work.IsCancelled)
            {
                return true;
            }

            int state;
            do
            {
                if (TryTakeWorker(work))
                {
                    return true;
                }

                // A worker may become free in between.
                state = Volatile.Read(ref _state);
            }
            while (state >= 0 && (state < _workers || Interlocked.CompareExchange(ref _state, state | SomethingWaits, state) != state));

            if (work.Turn.Add(work))
            {
                _turns.AddLast(work.Turn.Place);
            }

            _waiting++;
            Watch();
            return false;
        }
    }

    /// <summary>Takes a cancelled work out. False when it does not wait here.</summary>
    public bool TryRemove(EventWork work)
    {
        lock (_gate)
        {
            if (!work.Turn.TryRemove(work, out var isLast))
            {
                return false;
            }

            if (isLast)
            {
                _turns.Remove(work.Turn.Place);
            }

            CountDown();
            return true;
        }
    }

    /// <summary>The handler is done with a work: its worker, if it had one, is free for the next.</summary>
    public void Release(EventWork work)
    {
        if (!work.HasWorker)
        {
            return;
        }

        work.HasWorker = false;
        var state = Volatile.Read(ref _state);
        while (state >= 0)
        {
            var seen = Interlocked.CompareExchange(ref _state, state - 1, state);
            if (seen == state)
            {
                return;
            }

            state = seen;
        }

        // Never here: it may be another connection's, and a row of them would nest as deep as it is long.
        TakeNext()?.Begin(isHere: false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _watch?.Dispose();
            _watch = null;
        }
    }

    private bool TryTakeWorker(EventWork work)
    {
        var state = Volatile.Read(ref _state);
        while ((uint)state < (uint)_workers)
        {
            var seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state)
            {
                work.HasWorker = true;
                return true;
            }

            state = seen;
        }

        return false;
    }

    // With the worker of the one that is done.
    private EventWork? TakeNext()
    {
        lock (_gate)
        {
            if (_turns.First is not { } turn)
            {
                Interlocked.Decrement(ref _state);
                return null;
            }

            _turns.RemoveFirst();
            var next = turn.Value.Take(out var isLast);
            if (!isLast)
            {
                _turns.AddLast(turn);
            }

            next.HasWorker = true;
            _handedOver++;
            CountDown();
            return next;
        }
    }

    private void CountDown()
    {
        if (--_waiting == 0)
        {
            Interlocked.And(ref _state, ~SomethingWaits);
        }
    }

    // Handlers that hang or block their threads tell nobody.
    private void Watch()
    {
        if (_watch is null)
        {
            _handedOverBefore = _handedOver;
            _watch = _time.CreateTimer(static queue => ((WorkQueue)queue!).Check(), this, StuckAfter, Timeout.InfiniteTimeSpan);
        }
    }

    private void Check()
    {
        int waiting;
        lock (_gate)
        {
            waiting = _handedOver == _handedOverBefore ? _waiting : 0;
            _handedOverBefore = _handedOver;
            if (_waiting == 0)
            {
                _watch?.Dispose();
                _watch = null;
            }
            else
            {
                _watch?.Change(StuckAfter, Timeout.InfiniteTimeSpan);
            }
        }

        if (waiting > 0 && _throttle.MayLog(nameof(Check), out var leftOut))
        {
            Log.WorkersStuck(_logger, _workers, StuckAfter, waiting, leftOut);
        }
    }
}
