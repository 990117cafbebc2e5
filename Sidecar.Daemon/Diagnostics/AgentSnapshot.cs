namespace Sidecar.Daemon.Diagnostics;

/// <summary>One version of an agent as its gauges show it.</summary>
/// <param name="Agent">The agent's id.</param>
/// <param name="Version">The version's name.</param>
internal sealed record AgentSnapshot(string Agent, string Version)
{
    /// <summary>Connections that are open.</summary>
    public int Connections { get; init; }

    /// <summary>Connections that take new exchanges.</summary>
    public int Healthy { get; init; }

    /// <summary>Connections on which the agent asks to be sent nothing.</summary>
    public int Paused { get; init; }

    /// <summary>Calls that wait for an answer, and answers owed.</summary>
    public int InFlight { get; init; }

    /// <summary>Calls that hold one of the agent's slots.</summary>
    public int Running { get; init; }

    /// <summary>Calls that may hold one.</summary>
    public int Limit { get; init; }

    /// <summary>Calls refused because they could not have been answered in time.</summary>
    public long Shed { get; init; }

    /// <summary>Calls that wait for a slot or a connection.</summary>
    public int Waiting { get; init; }

    /// <summary>How full the queue of those is, 0 to 100.</summary>
    public double QueuePercent { get; init; }

    /// <summary>Whether the agent takes calls.</summary>
    public bool IsAvailable { get; init; }

    /// <summary>The state of the agent as a whole, by its number.</summary>
    public int State { get; init; }

    /// <summary>The state of its circuit breaker, by its number.</summary>
    public int Breaker { get; init; }

    /// <summary>Bytes of bodies that are held for it.</summary>
    public long BodyBuffer { get; init; }

    /// <summary>Sticky sessions now.</summary>
    public int StickySessions { get; init; }

    /// <summary>Sticky sessions that went to another connection because theirs had ended.</summary>
    public long StickyMoved { get; init; }

    /// <summary>Sticky sessions that were unused for too long.</summary>
    public long StickyExpired { get; init; }

    /// <summary>Sticky sessions that made room for others.</summary>
    public long StickyEvicted { get; init; }

    /// <summary>Sticky sessions that an operator cleared.</summary>
    public long StickyCleared { get; init; }
}
