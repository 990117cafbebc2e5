using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>What the connections of a pool add up to: its state, and why none of them can be chosen.</summary>
internal static class PoolSnapshot
{
    /// <summary>Why no connection was chosen.</summary>
    /// <param name="live">The live connections.</param>
    /// <param name="except">The one that was not to be chosen.</param>
    /// <param name="isClosing">Whether the pool is being closed.</param>
    /// <param name="isIncompatible">Whether the agent is there and speaks a dialect that is not spoken.</param>
    public static CallResult ReasonOf(PooledConnection[] live, PooledConnection? except, bool isClosing, bool isIncompatible)
    {
        if (isClosing)
        {
            return CallResult.Failed(CallOutcome.ShutDown, "the connections to the agent are being closed");
        }

        if (isIncompatible)
        {
            return CallResult.Failed(CallOutcome.Incompatible, "the agent speaks a dialect that is not spoken");
        }

        var others = Array.FindAll(live, connection => connection != except && connection.Connection.IsOpen);
        if (others.Length == 0)
        {
            return CallResult.Failed(CallOutcome.NoConnection, except is null ? "no connection to the agent is open" : "no other connection to the agent is open");
        }

        return Array.Exists(others, static connection => connection.TakesNew)
            ? CallResult.Failed(CallOutcome.NoRoom, $"all {others.Length} connections carry as many calls as they may")
            : Array.Exists(others, static connection => connection.IsOnlyHeldBack)
            ? CallResult.Failed(CallOutcome.Paused, $"none of {others.Length} connections takes new exchanges: the agent asks to be sent nothing")
            : Array.Exists(others, static connection => connection.IsEjected)
            ? CallResult.Failed(CallOutcome.Ejected, $"none of {others.Length} connections takes new exchanges: calls on them failed")
            : CallResult.Failed(CallOutcome.Unwell, $"none of {others.Length} connections takes new exchanges: the agent drains or is not well");
    }

    /// <summary>The most by which any connection's calls are to be stretched, 1 or more.</summary>
    public static double MultiplierOf(PooledConnection[] live)
    {
        var most = 1.0;
        foreach (var connection in live)
        {
            most = Math.Max(most, connection.TimeoutMultiplier);
        }

        return most;
    }

    /// <summary>The open connections whose every slot is owed an answer.</summary>
    public static IEnumerable<IAgentConnection> StuckOf(PooledConnection[] live) =>
        live.Select(static pooled => pooled.Connection).Where(static connection => connection.IsOpen && connection.Stats.Owed >= connection.Traits.MaxInFlight);

    /// <summary>The state of the agent.</summary>
    /// <param name="live">The live connections.</param>
    /// <param name="hasGivenUp">Whether so many attempts to reach it have failed that nobody waits for it any more.</param>
    public static PoolState StateOf(PooledConnection[] live, bool hasGivenUp)
    {
        // One that retires says nothing: another comes in its place.
        var open = Array.FindAll(live, static connection => connection.Connection.IsOpen && !connection.IsRetiring);
        if (open.Length == 0)
        {
            return hasGivenUp ? PoolState.Unhealthy : PoolState.Pending;
        }

        if (Array.Exists(open, static connection => connection.TakesNew))
        {
            return Array.Exists(open, static connection => connection.Health == HealthState.Degraded || !connection.TakesNew)
                ? PoolState.Degraded
                : PoolState.Available;
        }

        return Array.Exists(open, static connection => connection.IsOnlyHeldBack) ? PoolState.Paused
            : Array.TrueForAll(open, static connection => connection.Health == HealthState.Draining) ? PoolState.Draining
            : PoolState.Unhealthy;
    }
}
