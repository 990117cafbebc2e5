namespace Sidecar.Daemon.Configuration;

/// <summary>How an agent takes part (rule 10).</summary>
internal enum AgentMode
{
    /// <summary>Asked, and its answer is applied.</summary>
    Enforce,

    /// <summary>Asked off the request's path, recorded, never applied.</summary>
    Monitor,

    /// <summary>Not asked.</summary>
    Off,
}

/// <summary>What happens to an exchange that an agent could not inspect.</summary>
internal enum FailureMode
{
    /// <summary>It is refused. The default: passing uninspected is the operator's decision.</summary>
    Closed,

    /// <summary>It passes, counted and visible.</summary>
    Open,
}

/// <summary>What happens to an event when the agent asks to be sent nothing (spec §9.6).</summary>
internal enum FlowMode
{
    /// <summary>What the failure mode says: a pause is one more way of not inspecting.</summary>
    AsFailureMode,

    /// <summary>The exchange is refused.</summary>
    Closed,

    /// <summary>The agent is left out, counted and visible.</summary>
    Open,

    /// <summary>The event waits a while for the agent to go on; then as the failure mode says.</summary>
    Wait,
}

/// <summary>How an agent is shown a body (spec §1.3, §5.4).</summary>
internal enum BodyMode
{
    /// <summary>The whole body is collected, then asked about; nothing of it passes before the answer.</summary>
    Buffer,

    /// <summary>Each piece is asked about as it comes and passes with its own answer.</summary>
    Stream,

    /// <summary>Collected up to a threshold, asked about at once, streamed from there on.</summary>
    Hybrid,
}

/// <summary>What happens to a body that an agent cannot see whole: too large, cut by the proxy, or without memory to hold it.</summary>
internal enum ExcessAction
{
    /// <summary>The exchange is refused.</summary>
    Block,

    /// <summary>The body passes this agent by, counted as bypassed.</summary>
    Skip,

    /// <summary>The agent judges what fits, the rest passes; counted as partly inspected.</summary>
    Partial,
}

/// <summary>
/// How much of a busy agent a route gets beside others. The numbers are its parts: while all wait, 16 calls of one to 4 and 1 of the
/// others.
/// </summary>
internal enum Priority
{
    /// <summary>What may wait for all others: probes, copies, what only watches.</summary>
    Background = 1,

    /// <summary>As most.</summary>
    Normal = 4,

    /// <summary>What has to work when little does.</summary>
    Critical = 16,
}

/// <summary>How the connection of a new exchange is chosen.</summary>
internal enum SelectionStrategy
{
    /// <summary>Fills a connection that takes concurrent calls before the next; spreads over those that take one at a time.</summary>
    FillThenSpread,

    /// <summary>Each connection in turn.</summary>
    RoundRobin,

    /// <summary>The one with the fewest calls in flight; ties in turn.</summary>
    LeastConnections,

    /// <summary>The one with the fewest errors and the least latency of late; ties in turn.</summary>
    HealthBased,

    /// <summary>Any, all alike.</summary>
    Random,

    /// <summary>Of any two, the one with fewer calls in flight.</summary>
    PowerOfTwo,
}
