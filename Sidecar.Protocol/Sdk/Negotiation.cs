namespace Sidecar.Protocol.Sdk;

/// <summary>
/// How an agent introduces itself. In a handshake: the highest common version, the first encoding of the proxy's list that we speak (spec
/// §3.4, §3.5).
/// </summary>
internal static class Negotiation
{
    private const int MostVersionsNamed = 8;

    public static HandshakeResponse Answer(HandshakeRequest request, AgentServerOptions options) =>
        Answer(
            request,
            WithOurFeatures(options.Capabilities, binaryBody: true),
            Encoding(request.SupportedEncodings, options.OffersMessagePack));

    /// <summary>The answer on gRPC, where no encoding is chosen.</summary>
    public static HandshakeResponse Answer(HandshakeRequest request, AgentCapabilities capabilities) =>
        Answer(request, WithOurFeatures(capabilities, binaryBody: false), ProtocolConstants.Json);

    private static HandshakeResponse Answer(HandshakeRequest request, AgentCapabilities capabilities, string encoding)
    {
        if (!request.SupportedVersions.Contains(ProtocolConstants.Version))
        {
            return new HandshakeResponse
            {
                Capabilities = capabilities,
                Error = $"none of the versions offered [{Named(request.SupportedVersions)}] is spoken here; offer " +
                    $"{ProtocolConstants.Version}",
            };
        }

        return new HandshakeResponse
        {
            ProtocolVersion = ProtocolConstants.Version,
            Capabilities = capabilities,
            Success = true,
            Encoding = encoding,
        };
    }

    /// <summary>The opening message of an agent that dials in (spec §8). Bodies are JSON there, so raw bytes are not offered.</summary>
    public static RegistrationRequest Register(ReverseAgentOptions options) => new()
    {
        ProtocolVersion = ProtocolConstants.Version,
        AgentId = options.AgentId,
        Capabilities = WithOurFeatures(options.Capabilities, binaryBody: false),
        AuthToken = options.AuthToken,
        Metadata = options.Metadata,
    };

    // What the SDK itself brings, whatever the agent's author thought of.
    private static AgentCapabilities WithOurFeatures(AgentCapabilities capabilities, bool binaryBody) =>
        capabilities with { Features = capabilities.Features with { BinaryBody = binaryBody, Cancellation = true } };

    // The list may fill a frame of 16 MiB; the answer must fit into one.
    private static string Named(IReadOnlyList<uint> versions) =>
        string.Join(", ", versions.Take(MostVersionsNamed)) + (versions.Count > MostVersionsNamed ? $", … {versions.Count} in all" : "");

    private static string Encoding(IReadOnlyList<string> offered, bool messagePack)
    {
        foreach (var name in offered)
        {
            if (name == ProtocolConstants.Json || (name == ProtocolConstants.MessagePack && messagePack))
            {
                return name;
            }
        }

        return ProtocolConstants.Json;
    }
}
