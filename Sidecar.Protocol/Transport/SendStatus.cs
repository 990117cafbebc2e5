namespace Sidecar.Protocol.Transport;

/// <summary>What became of a frame that was to be sent.</summary>
public enum SendStatus
{
    /// <summary>It is in the connection's buffer and will be written unless the connection ends.</summary>
    Sent,

    /// <summary>The buffer is full: the peer does not read fast enough. Nothing was taken.</summary>
    Full,

    /// <summary>The connection has ended. Nothing was taken.</summary>
    Closed,
}
