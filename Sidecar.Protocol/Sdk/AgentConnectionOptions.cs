using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>What an agent's connections need to know, whichever side opens them.</summary>
public abstract record AgentConnectionOptions
{
    /// <summary>The most <see cref="Workers"/> that there may be: enough never to be the limit.</summary>
    public const int MostWorkers = 1_000_000;

    /// <summary>What the agent says of itself when it is introduced.</summary>
    public required AgentCapabilities Capabilities { get; init; }

    /// <summary>
    /// What is answered where no decision could be made. Status 500, so that the asker's failure policy sees an error, not a verdict.
    /// </summary>
    public BlockDecision ErrorDecision { get; init; } = new(500);

    /// <summary>
    /// Events that the handler works on at once, over all connections: as many as there are processors, which suits a handler that
    /// computes. 1 to 1,000,000.
    /// </summary>
    /// <remarks>
    /// What comes beyond it waits: each connection's events in the order in which they came, the connections in turn. A handler that
    /// awaits something still takes a worker, so one that mostly waits, for a database or another service, needs as many as calls may be
    /// under way. What the agent states as its concurrency is another matter: that many may be sent to it, to be worked on or to wait here.
    /// </remarks>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// Events of one connection that may be outstanding, with the handler or waiting for it or with their answer unsent: 4,096, sixteen
    /// times what our own daemon sends at once; what the agent states as its concurrency, where that is more. Beyond it the connection is
    /// read no further until one is answered.
    /// </summary>
    public int MaxOutstandingEvents { get; init; } = 4096;

    /// <summary>
    /// Bytes of the events of one connection that may be outstanding: 64 MiB, four of the largest frames or a thousand pieces of 64 KiB.
    /// Beyond it the connection is read no further either; one event alone is always taken.
    /// </summary>
    public long MaxOutstandingBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// How long a connection may go unread for want of room, with none of its events answered, before it is given up: 30 s, when no proxy
    /// waits for any of them. Cancels and pings are not read either meanwhile.
    /// </summary>
    public TimeSpan PauseTimeout { get; init; } = TimeSpan.FromSeconds(30);

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
    /// connection, which saves a hop between threads and lets answers go out together; where no worker is free, from the thread pool like
    /// others. Off: the handler may do as it likes, on the thread pool.
    /// </summary>
    public bool HandlerNeverBlocks { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
