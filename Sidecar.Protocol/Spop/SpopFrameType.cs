namespace Sidecar.Protocol.Spop;

/// <summary>The type of a frame (proxy integration §1.2). Other values may arrive.</summary>
public enum SpopFrameType : byte
{
    /// <summary>HAProxy 2.x to agent: the continuation of a fragmented <see cref="Notify"/>.</summary>
    Unset = 0,

    /// <summary>HAProxy to agent, first of a connection: what it offers.</summary>
    HaproxyHello = 1,

    /// <summary>HAProxy to agent, last of a connection: why it ends.</summary>
    HaproxyDisconnect = 2,

    /// <summary>HAProxy to agent: messages about one stream, answered by one <see cref="Ack"/>.</summary>
    Notify = 3,

    /// <summary>Agent to HAProxy: what was agreed.</summary>
    AgentHello = 101,

    /// <summary>Agent to HAProxy, last of a connection: why it ends.</summary>
    AgentDisconnect = 102,

    /// <summary>Agent to HAProxy: the variables to set, the answer to one <see cref="Notify"/>.</summary>
    Ack = 103,
}
