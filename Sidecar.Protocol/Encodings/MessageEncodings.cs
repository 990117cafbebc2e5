namespace Sidecar.Protocol.Encodings;

/// <summary>The encodings there are. They are stateless: one object of each serves every connection.</summary>
public static class MessageEncodings
{
    /// <summary>JSON.</summary>
    public static MessageEncoding Json { get; } = new ValueEncoding<JsonValueReader, JsonValueWriter>(
        ProtocolConstants.Json, binaryBody: false);

    /// <summary>MessagePack, with body bytes as base64, which every peer reads.</summary>
    public static MessageEncoding MessagePack { get; } = MessagePackWith(binaryBody: false);

    /// <summary>MessagePack with raw body bytes, for a peer that advertised <see cref="AgentFeatures.BinaryBody"/> (spec §4.4).</summary>
    public static MessageEncoding MessagePackBinaryBody { get; } = MessagePackWith(binaryBody: true);

    /// <summary>The encoding with a name in a handshake.</summary>
    /// <exception cref="ProtocolException">There is none with that name.</exception>
    public static MessageEncoding ByName(string name) => name switch
    {
        ProtocolConstants.Json => Json,
        ProtocolConstants.MessagePack => MessagePack,
        _ => throw ProtocolErrors.Unknown("encoding", name, $"{ProtocolConstants.Json} and {ProtocolConstants.MessagePack}"),
    };

    private static ValueEncoding<MessagePackValueReader, MessagePackValueWriter> MessagePackWith(bool binaryBody) =>
        new(ProtocolConstants.MessagePack, binaryBody);
}
