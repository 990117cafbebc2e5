using System.Runtime.InteropServices;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>What a call that was let through holds until it has ended: one of the agent's slots, maybe the place of a trial, maybe bytes.</summary>
/// <remarks>Given back through <see cref="Admission.Leave"/>, once; the default holds nothing.</remarks>
[StructLayout(LayoutKind.Auto)]
internal record struct CallPermit
{
    /// <summary>Whether it holds one of the agent's slots.</summary>
    public bool HasSlot { get; set; }

    /// <summary>Whether it is the first of its exchange.</summary>
    public bool BeginsExchange { get; set; }

    /// <summary>The breaker's name for it when it is a trial; 0 when it is not.</summary>
    public int Trial { get; set; }

    /// <summary>Bytes of the connection's stated capacity.</summary>
    public int Bytes { get; set; }

    /// <summary>The connection it may go to; null before it is let through.</summary>
    public PooledConnection? Connection { get; set; }
}

/// <summary>A call that asks to be let through.</summary>
/// <param name="Message">Its event.</param>
/// <param name="Kind">The event's kind.</param>
/// <param name="Lease">The connection of its exchange; null when it has none yet.</param>
/// <param name="Deadline">Its deadline, a timestamp of the clock.</param>
/// <param name="Route">What stands for its route where calls have to share; null for nothing.</param>
/// <param name="Weight">The route's part then.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CallAsk(
    AgentEvent Message, EventKind Kind, PooledConnection? Lease, long Deadline, object? Route = null, int Weight = 1)
{
    /// <summary>The bytes of body that it carries.</summary>
    public int Bytes => Message is BodyChunkEvent body ? body.Data.Length : 0;

    /// <summary>Whose it is.</summary>
    public CallShare Share => new(Route, Weight, (Message as RequestHeadersEvent)?.Metadata.ClientIp);
}

/// <summary>Why a call was not let through.</summary>
/// <param name="Result">The end of the call, unless it waits.</param>
/// <param name="Wait">How long waiting makes sense, inside the call's deadline; zero when it does not.</param>
/// <param name="IsPaced">Whether what it waits for comes at the pace of the agent's answers, so that it can be told whether it comes in time.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Refusal(CallResult Result, TimeSpan Wait, bool IsPaced = false);
