namespace Sidecar.Protocol.Spop;

/// <summary>What an end of a connection can do (proxy integration §1.1). Unknown ones are ignored.</summary>
[Flags]
public enum SpopCapabilities
{
    /// <summary>One message at a time on a connection.</summary>
    None = 0,

    /// <summary>Many messages in flight, answered in any order on the same connection. Both ends must announce it.</summary>
    Pipelining = 1,

    /// <summary>
    /// The end that announces it takes fragmented messages. HAProxy never announces it and yet sends fragments to an agent that does.
    /// </summary>
    Fragmentation = 2,

    /// <summary>Answers on any connection of the engine. HAProxy 2.x offers it; it is gone in 3.1, and we never announce it.</summary>
    Async = 4,
}
