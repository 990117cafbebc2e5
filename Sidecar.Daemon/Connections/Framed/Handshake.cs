using System.Buffers;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections.Framed;

/// <summary>The proxy's side of the handshake (spec §3): what is offered, and what of the answer is believed.</summary>
internal static class Handshake
{
    /// <summary>Our name in the handshake.</summary>
    public const string ProxyId = "sidecar";

    /// <summary>Writes the opening message.</summary>
    public static void WriteRequest(IBufferWriter<byte> output, ConnectionSettings settings, AgentDialect dialect) =>
        dialect.WriteRequest(output, new HandshakeRequest
        {
            SupportedVersions = [ProtocolConstants.Version],
            ProxyId = ProxyId,
            ProxyVersion = settings.ProxyVersion,
            Config = settings.Configuration,
            SupportedEncodings = settings.Encodings,
        });

    /// <summary>Checks the answer: success, a version and an encoding that were offered (spec §3.4, §3.5).</summary>
    /// <exception cref="ProtocolException">The connection must not be used.</exception>
    public static HandshakeResponse ReadResponse(ReadOnlyMemory<byte> payload, ConnectionSettings settings, AgentDialect dialect)
    {
        var response = Read(payload, dialect);
        if (!response.Success)
        {
            throw new ProtocolException($"the agent refused the handshake: {PeerText.Clean(response.Error ?? "no reason given")}");
        }

        if (response.ProtocolVersion != ProtocolConstants.Version)
        {
            throw new ProtocolException($"the agent chose protocol version {response.ProtocolVersion}, offered was {ProtocolConstants.Version}");
        }

        // JSON is always understood, and an agent that knows nothing else says so whatever was offered (spec §3.4).
        return !dialect.NegotiatesEncoding || settings.Encodings.Contains(response.Encoding) || response.Encoding == ProtocolConstants.Json
            ? response
            : throw new ProtocolException($"the agent chose encoding {PeerText.Quote(response.Encoding)}, offered were {string.Join(", ", settings.Encodings)}");
    }

    private static HandshakeResponse Read(ReadOnlyMemory<byte> payload, AgentDialect dialect)
    {
        try
        {
            return dialect.ReadResponse(payload);
        }
        catch (ProtocolException) when (dialect == AgentDialect.Native && OtherDialects.Of(payload) is { } other)
        {
            throw other;
        }
    }

    /// <summary>What the connection can carry: our limits, never above what the agent states; 0 means unstated.</summary>
    public static ConnectionTraits TraitsOf(AgentCapabilities capabilities, ConnectionSettings settings, AgentDialect dialect)
    {
        var limit = settings.MaxInFlight;
        foreach (var stated in (ReadOnlySpan<uint>)[capabilities.Features.ConcurrentRequests, capabilities.Limits.MaxConcurrency])
        {
            limit = stated == 0 ? limit : (int)Math.Min((uint)limit, stated);
        }

        var inOrder = settings.Matching == AnswerMatching.InOrder;
        var piece = dialect.LongestBodyPiece(capabilities.Limits);
        return new ConnectionTraits
        {
            MaxInFlight = inOrder ? 1 : limit,
            IsConcurrent = !inOrder && capabilities.Features.ConcurrentRequests > 1,
            Matching = settings.Matching,
            CanCancel = !inOrder,
            CanPing = !inOrder,
            Events = capabilities.SupportedEvents,
            MaxBodyBytes = (long)Math.Min(capabilities.Limits.MaxBodySize, long.MaxValue),
            MaxEventBytes = capabilities.Limits.MaxBodySize == 0 ? piece : (long)Math.Min(capabilities.Limits.MaxBodySize, (ulong)piece),
            CanMutate = dialect.CarriesMutations,
        };
    }
}
