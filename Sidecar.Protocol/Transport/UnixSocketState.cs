namespace Sidecar.Protocol.Transport;

/// <summary>What is found at the path of a stream socket.</summary>
internal enum UnixSocketState
{
    /// <summary>Nothing is there.</summary>
    Missing,

    /// <summary>A socket file nobody listens on, left by a crash.</summary>
    Stale,

    /// <summary>Somebody listens; perhaps with a full queue.</summary>
    Listening,

    /// <summary>Somebody holds it as a datagram or sequential-packet socket.</summary>
    OtherType,

    /// <summary>A file, directory or symbolic link.</summary>
    NotASocket,

    /// <summary>A socket that we may not connect to, so whether somebody listens is unknown.</summary>
    Forbidden,
}
