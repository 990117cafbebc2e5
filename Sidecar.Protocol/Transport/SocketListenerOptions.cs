namespace Sidecar.Protocol.Transport;

/// <summary>What a listener bears, and what it does when it bears no more.</summary>
internal sealed record SocketListenerOptions
{
    /// <summary>The listener's name in logs.</summary>
    public required string Name { get; init; }

    /// <summary>Connections open at once.</summary>
    public required int MaxConnections { get; init; }

    /// <summary>What raises <see cref="MaxConnections"/>, for the line that says that it is reached.</summary>
    public string LimitName { get; init; } = "max-connections=";

    /// <summary>
    /// Tells a peer beyond <see cref="MaxConnections"/> that there is no room, without waiting for it; the socket is closed afterwards.
    /// Null leaves peers in the kernel's queue until a connection ends: right where the protocol has no word for it and askers wait with a
    /// limit of their own.
    /// </summary>
    public Action<AcceptedSocket>? Refuse { get; init; }

    /// <summary>
    /// Connections that the kernel queues until they are accepted: 4,096, its own bound (<c>net.core.somaxconn</c>), so that a burst is not
    /// refused.
    /// </summary>
    public int Backlog { get; init; } = 4096;

    /// <summary>The descriptors that are left to others.</summary>
    public DescriptorReserve Reserve { get; init; } = DescriptorReserve.OfProcess;

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
