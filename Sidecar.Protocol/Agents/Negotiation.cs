using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Agents;

/// <summary>The agent's side of a handshake: the highest common version, the first encoding of the proxy's list that we speak (spec §3.4, §3.5).</summary>
internal static class Negotiation
{
    public static HandshakeResponse Answer(HandshakeRequest request, AgentServerOptions options)
    {
        var capabilities = options.Capabilities with
        {
            Features = options.Capabilities.Features with { BinaryBody = true, Cancellation = true },
        };
        if (!request.SupportedVersions.Contains(ProtocolConstants.Version))
        {
            return new HandshakeResponse
            {
                Capabilities = capabilities,
                Error = $"none of the versions offered [{string.Join(", ", request.SupportedVersions)}] is spoken here; offer {ProtocolConstants.Version}",
            };
        }

        return new HandshakeResponse
        {
            ProtocolVersion = ProtocolConstants.Version,
            Capabilities = capabilities,
            Success = true,
            Encoding = Encoding(request.SupportedEncodings, options.OffersMessagePack),
        };
    }

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
