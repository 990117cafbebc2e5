using System.Diagnostics.CodeAnalysis;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>
/// Who may register on a listener, judged in the order of spec §8: version, agent id, allow-list, token; then the place among the agent's
/// connections.
/// </summary>
/// <remarks>The first four texts are the reference's, because agents may show them. Safe from any thread.</remarks>
/// <param name="find">The place of an agent that is allowed here now, by its id; null for others.</param>
/// <param name="tokens">Their tokens; null when none is asked for.</param>
/// <param name="maxPerAgent">Most connections of one agent, as far as this listener is concerned.</param>
internal sealed class RegistrationRules(Func<string, RegisteredConnections?> find, AgentTokens? tokens, int maxPerAgent)
{
    /// <summary>Lets an agent in, with a place already taken for it, or says why not.</summary>
    /// <param name="request">What it said. The id within the capabilities may be another one and is ignored.</param>
    /// <param name="agent">Where its connection belongs.</param>
    /// <param name="slot">Its place, the caller's to give back.</param>
    /// <param name="refusal">Why not.</param>
    public bool TryAdmit(
        RegistrationRequest request,
        [NotNullWhen(true)] out RegisteredConnections? agent,
        [NotNullWhen(true)] out RegistrationSlot? slot,
        [NotNullWhen(false)] out Refusal? refusal)
    {
        agent = find(request.AgentId);
        refusal = Judge(request, isKnown: agent is not null);
        slot = refusal is null ? agent!.TryReserve(maxPerAgent) : null;
        if (refusal is null && slot is null)
        {
            refusal = new Refusal(
                RegistrationOutcome.TooManyConnections,
                $"Too many connections: agent '{request.AgentId}' has {agent!.Count}, the limit is {Math.Min(agent.Limit, maxPerAgent)}; "
                + "close one first");
        }

        return refusal is null;
    }

    // An empty token is none, or anybody could bring one.
    private Refusal? Judge(RegistrationRequest request, bool isKnown) =>
        request.ProtocolVersion != ProtocolConstants.Version
            ? new(
                RegistrationOutcome.BadVersion,
                $"Protocol version mismatch: expected {ProtocolConstants.Version}, got {request.ProtocolVersion}")
        : request.AgentId.Length == 0 ? new(RegistrationOutcome.NoAgentId, "Invalid message format: Agent ID cannot be empty")
        : !isKnown
            ? new(
                RegistrationOutcome.NotAllowed,
                $"Invalid message format: Agent {PeerText.Quote(request.AgentId)} is not in the allowed list")
        : tokens is null ? null
        : string.IsNullOrEmpty(request.AuthToken)
            ? new(RegistrationOutcome.NoToken, "Invalid message format: Authentication required but no token provided")
        : !tokens.IsValid(request.AgentId, request.AuthToken)
            ? new(RegistrationOutcome.WrongToken, $"Authentication failed: the token is none of agent '{request.AgentId}'")
        : null;
}

/// <summary>Why an agent is not let in.</summary>
/// <param name="Outcome">The reason as a name.</param>
/// <param name="Error">
/// The reason in words, told to the agent where the protocol has an answer and to the log always. It may hold text of the peer.
/// </param>
internal sealed record Refusal(RegistrationOutcome Outcome, string Error);

/// <summary>What a peer is told about its registration, as whole frames (spec §8).</summary>
internal static class RegistrationAnswers
{
    /// <summary>The registration of dialect R, which crashes an agent that gets no <see cref="DialectRAnswer"/> (spec §11.2).</summary>
    public const MessageType DialectRRequest = (MessageType)0x03;

    private const MessageType DialectRAnswer = (MessageType)0x04;

    /// <summary>The agent is let in.</summary>
    public static byte[] Accepted(string connectionId, string proxyVersion) => Answer(new RegistrationResponse
    {
        Success = true,
        ProxyId = Handshake.ProxyId,
        ProxyVersion = proxyVersion,
        ConnectionId = connectionId,
    });

    /// <summary>The agent is not let in.</summary>
    public static byte[] Refused(string error, string proxyVersion) => Answer(new RegistrationResponse
    {
        Error = error,
        ProxyId = Handshake.ProxyId,
        ProxyVersion = proxyVersion,
    });

    /// <summary>An agent of dialect R is not let in.</summary>
    public static byte[] RefusedDialectR(string error)
    {
        using var frame = FrameBuffer.Rent(DialectRAnswer);
        HandshakeCodec.WriteRegistrationAck(frame, accepted: false, error);
        return frame.Finish().ToArray(FrameFormat.Native);
    }

    private static byte[] Answer(RegistrationResponse response)
    {
        using var frame = FrameBuffer.Rent(MessageType.HandshakeResponse);
        HandshakeCodec.WriteRegistrationResponse(frame, response);
        return frame.Finish().ToArray(FrameFormat.Native);
    }
}
