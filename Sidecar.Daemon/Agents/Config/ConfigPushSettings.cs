namespace Sidecar.Daemon.Agents.Config;

/// <summary>Bounds of configuration pushes (spec §9.9).</summary>
internal sealed record ConfigPushSettings
{
    /// <summary>How long an agent may take to accept or refuse. Default 10 s.</summary>
    public TimeSpan AckTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Attempts after the first. Default 3.</summary>
    public int MaxRetries { get; init; } = 3;

    /// <summary>Pause before each of them. Default 2 s.</summary>
    public TimeSpan RetryInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Pause while every slot of a connection is taken. Default 50 ms, short against an attempt and long against a call.</summary>
    public TimeSpan SlotWait { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Most pushes that may wait for one agent. Default 100.</summary>
    public int MaxPending { get; init; } = 100;

    /// <summary>Most ended pushes to one agent that can be asked for. Default 100.</summary>
    public int MaxEnded { get; init; } = 100;

    /// <summary>How long an ended push can be asked for. Default 1 h: the specification's minute is over before an operator looks.</summary>
    public TimeSpan KeepEnded { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Least time between two pushes that the agent itself asked for. Default 10 s: one that asks whenever it is configured would never end.</summary>
    public TimeSpan ReloadInterval { get; init; } = TimeSpan.FromSeconds(10);
}
