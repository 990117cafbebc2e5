using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>Says once when an agent becomes reachable and once when it no longer is, however many attempts lie between. Safe from any thread.</summary>
/// <remarks>An agent that comes and goes all the time is told so once a minute instead.</remarks>
internal sealed class Reachability(string agentId, TimeProvider time, ILogger logger)
{
    // A restart is two changes, a rolling one of a handful of processes ten.
    private const int MaxChangesPerMinute = 10;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private bool? _isReachable;
    private long _minuteBegan;
    private int _changes;

    /// <summary>There is a connection.</summary>
    public void Reached(string endpoint, EventSet events)
    {
        lock (_gate)
        {
            if (_isReachable == true)
            {
                return;
            }

            _isReachable = true;
            if (MayLog())
            {
                Log.Reachable(logger, agentId, endpoint, events);
            }
        }
    }

    /// <summary>An attempt failed or a connection was lost.</summary>
    /// <param name="isAnyLive">Asked under the lock, so that news of one connection cannot overtake that of another.</param>
    /// <param name="reason">Why.</param>
    public void Missed(Func<bool> isAnyLive, string reason)
    {
        lock (_gate)
        {
            if (_isReachable == false || isAnyLive())
            {
                return;
            }

            _isReachable = false;
            if (MayLog())
            {
                Log.Unreachable(logger, agentId, reason);
            }
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
