using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>What an agent's connections need to know, whichever side opens them.</summary>
public abstract record AgentConnectionOptions
{
    /// <summary>What the agent says of itself when it is introduced.</summary>
    public required AgentCapabilities Capabilities { get; init; }

    /// <summary>
    /// What is answered where no decision could be made. Status 500, so that the asker's failure policy sees an error, not a verdict.
    /// </summary>
    public BlockDecision ErrorDecision { get; init; } = new(500);

    /// <summary>
    /// Events of one connection that may be outstanding: 4,096, sixteen times what our own daemon sends at once. Beyond it events are
    /// refused.
    /// </summary>
    public int MaxOutstandingEvents { get; init; } = 4096;

    /// <summary>
    /// Bytes of the events of one connection that may be outstanding: 64 MiB, four of the largest frames or a thousand pieces of 64 KiB.
    /// Beyond it events are refused; one event alone is always taken.
    /// </summary>
    public long MaxOutstandingBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>How long a new connection may take until both sides are introduced: 10 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an answer may wait for a peer that does not read before the connection is given up: 30 s.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long events in work may take to finish when the agent stops: 10 s.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bounds of each connection.</summary>
    public FrameConnectionOptions Connection { get; init; } = FrameConnectionOptions.Default;

    /// <summary>
    /// Whether the handler never blocks, and works but shortly until its first await. It is then called on the loop that reads the
    /// connection, which saves a hop between threads and lets answers go out together. Off: the handler may do as it likes, on the thread
    /// pool.
    /// </summary>
    public bool HandlerNeverBlocks { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
