using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Pooling;

/// <summary>
/// The one state of an agent, with one line in the log for each change, however many connections and attempts lie behind it. Safe from any thread.
/// </summary>
/// <remarks>An agent that changes all the time is told so once a minute instead.</remarks>
internal sealed class PoolHealth(string agentId, TimeProvider time, ILogger logger)
{
    // A restart is two changes, a rolling one of a handful of processes ten.
    private const int MaxChangesPerMinute = 10;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private volatile PoolState _state;
    private bool _isKnown;
    private long _minuteBegan;
    private int _changes;

    /// <summary>The state as of the last look.</summary>
    public PoolState State => _state;

    /// <summary>Looks again. Returns true when the state has changed.</summary>
    /// <param name="look">Asked under the lock, so that news of one connection cannot overtake that of another.</param>
    /// <param name="reason">What made us look, for the log.</param>
    public bool Update(Func<PoolState> look, string reason)
    {
        lock (_gate)
        {
            var state = look();
            if (_isKnown && state == _state)
            {
                return false;
            }

            (var before, _state, var isFirst, _isKnown) = (_state, state, !_isKnown, true);
            if (MayLog())
            {
                Tell(isFirst ? PoolState.Pending : before, state, reason);
            }

            return true;
        }
    }

    private void Tell(PoolState before, PoolState state, string reason)
    {
        switch (state)
        {
            case PoolState.Available when before is PoolState.Pending or PoolState.Unhealthy:
                Log.Reachable(logger, agentId, reason);
                break;
            case PoolState.Pending:
                Log.Unreachable(logger, agentId, reason);
                break;
            case PoolState.Unhealthy or PoolState.Paused:
                Log.Worse(logger, agentId, state, before, reason);
                break;
            default:
                Log.Changed(logger, agentId, state, before, reason);
                break;
        }
    }

    private bool MayLog()
    {
        if (_changes == 0 || time.GetElapsedTime(_minuteBegan) >= Minute)
        {
            (_minuteBegan, _changes) = (time.GetTimestamp(), 0);
        }

        _changes++;
        if (_changes == MaxChangesPerMinute + 1)
        {
            Log.Flapping(logger, agentId, MaxChangesPerMinute);
        }

        return _changes <= MaxChangesPerMinute;
    }
}
