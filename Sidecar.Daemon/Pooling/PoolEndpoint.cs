using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Pooling;

/// <summary>One endpoint of an agent as its pool sees it. Guarded by the lock of <see cref="EndpointSet"/>.</summary>
internal sealed class PoolEndpoint(int index, IAgentDialer dialer, Backoff backoff)
{
    /// <summary>Its place in the agent's list.</summary>
    public int Index => index;

    /// <summary>Opens connections to it.</summary>
    public IAgentDialer Dialer => dialer;

    /// <summary>How long to leave it alone.</summary>
    public Backoff Backoff => backoff;

    /// <summary>Connections to it that are open or being opened.</summary>
    public int Connections { get; set; }

    /// <summary>Dials that failed since the last that succeeded.</summary>
    public int Missed { get; set; }

    /// <summary>Why the last dial failed; null when it succeeded, or none has ended yet.</summary>
    public string? Problem { get; set; }

    /// <summary>Since when all dials have ended without a word of the agent; null when the last one did not.</summary>
    public long? SilentSince { get; set; }

    /// <summary>How many have since then.</summary>
    public int Silences { get; set; }

    /// <summary>Whether the agent there speaks a dialect that is not spoken.</summary>
    public bool IsIncompatible { get; set; }

    /// <summary>Tells when there may be somebody to dial again; null while it is not missed, and where nothing tells.</summary>
    public IDisposable? Watch { get; set; }

    /// <summary>Since when it is left alone; null when it may be dialled.</summary>
    public long? RestsSince { get; set; }

    /// <summary>For how long.</summary>
    public TimeSpan RestsFor { get; set; }

    /// <summary>Whether its rest is over and one dial finds out whether it is back.</summary>
    public bool IsProbed { get; set; }
}
