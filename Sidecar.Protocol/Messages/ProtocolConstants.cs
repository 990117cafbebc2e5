namespace Sidecar.Protocol.Messages;

/// <summary>Numbers and names of the agent protocol v2 (spec §1, §3).</summary>
public static class ProtocolConstants
{
    /// <summary>The protocol version spoken here.</summary>
    public const uint Version = 2;

    /// <summary>Name of the JSON encoding in a handshake.</summary>
    public const string Json = "json";

    /// <summary>Name of the MessagePack encoding in a handshake.</summary>
    public const string MessagePack = "msgpack";
}
