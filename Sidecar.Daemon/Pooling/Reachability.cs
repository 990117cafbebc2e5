using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>Says once when an agent becomes reachable and once when it no longer is, however many attempts lie between. Safe from any thread.</summary>
internal sealed class Reachability(string agentId, ILogger logger)
{
    private readonly Lock _gate = new();
    private bool? _isReachable;

    /// <summary>There is a connection.</summary>
    public void Reached(string endpoint, EventSet events)
    {
        lock (_gate)
        {
            if (_isReachable != true)
            {
                _isReachable = true;
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
            if (_isReachable != false && !isAnyLive())
            {
                _isReachable = false;
                Log.Unreachable(logger, agentId, reason);
            }
        }
    }
}
