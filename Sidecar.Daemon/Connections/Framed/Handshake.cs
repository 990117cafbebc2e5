using System.Buffers;
using System.Text.Json;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

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
            throw new ProtocolException(
                $"the agent chose protocol version {response.ProtocolVersion}, offered was {ProtocolConstants.Version}");
        }

        // JSON is always understood, and an agent that knows nothing else says so whatever was offered (spec §3.4).
        return !dialect.NegotiatesEncoding || settings.Encodings.Contains(response.Encoding) || response.Encoding == ProtocolConstants.Json
            ? response
            : throw new ProtocolException(
                $"the agent chose encoding {PeerText.Quote(response.Encoding)}, offered were {string.Join(", ", settings.Encodings)}");
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

/// <summary>The handshake of one connection while it is under way (spec §3). Safe from any thread.</summary>
internal sealed class ClientHandshake(ConnectionSettings settings, AgentDialect dialect, TimeProvider time)
{
    private readonly TaskCompletionSource<HandshakeResponse> _response = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether the agent has introduced itself, or the attempt has failed.</summary>
    public bool IsOver => _response.Task.IsCompleted;

    /// <summary>Introduces us and waits until the agent has done so.</summary>
    /// <exception cref="ProtocolException">The agent refused, or answered with something else.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    public async Task<HandshakeResponse> RunAsync(FrameConnection frames, TimeSpan limit, CancellationToken cancellation)
    {
        using (var frame = FrameBuffer.Rent(MessageType.HandshakeRequest))
        {
            Handshake.WriteRequest(frame, settings, dialect);
            frames.TrySend(frame.Finish());
        }

        try
        {
            var left = limit > TimeSpan.Zero ? limit : TimeSpan.Zero;
            return await _response.Task.WaitAsync(left, time, cancellation);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"agent {settings.AgentId} did not answer the handshake within {settings.ConnectTimeout}", e);
        }
    }

    /// <summary>Reads the first frame of the agent, which must be its answer.</summary>
    /// <exception cref="ProtocolException">It is not, or refuses.</exception>
    public HandshakeResponse Read(MessageType type, ReadOnlyMemory<byte> payload) => type == MessageType.HandshakeResponse
        ? Handshake.ReadResponse(payload, settings, dialect)
        : throw new ProtocolException($"the agent's first frame has type 0x{(byte)type:x2}, expected 0x02 (handshake response)");

    /// <summary>The agent is known: what is read next is no handshake any more.</summary>
    public void Succeed(HandshakeResponse response) => _response.TrySetResult(response);

    /// <summary>The attempt has failed, unless it is over.</summary>
    public void Fail(ProtocolException error)
    {
        _response.TrySetException(error);
        // Nobody may be waiting.
        _ = _response.Task.Exception;
    }
}

/// <summary>
/// Recognises agents of dialects that are not spoken by what they make of our handshake (spec §11), and says what an operator can do.
/// </summary>
internal static class OtherDialects
{
    /// <summary>What can be done about an agent of any of them.</summary>
    private const string Remedy = "which is not spoken yet: use a build of the agent on the protocol's own crate, the Rust SDK or ours";

    /// <summary>An answer that is none in the native dialect, if it is one in another; null when it is just broken.</summary>
    public static ProtocolException? Of(ReadOnlyMemory<byte> answer) => IsRequestId(answer.Span)
        ? DialProblemException.Error(DialProblem.OtherDialect,
            $"it answers in the request-id dialect (version 2 of the Go and Kotlin SDKs), {Remedy}")
        : null;

    /// <summary>The agent closed the connection without a word behind our handshake.</summary>
    public static ProtocolException Silent() => DialProblemException.Error(
        DialProblem.ClosedSilently,
        "it closed the connection without a word: it crashed, or it speaks the envelope dialect (Python, TypeScript, Elixir and Haskell "
            + $"SDKs, the base runners of Go and Kotlin), {Remedy}");

    // Its answer has no "success"; Go's has "accepted", and all name the agent.
    private static bool IsRequestId(ReadOnlySpan<byte> answer)
    {
        try
        {
            var reader = new Utf8JsonReader(answer);
            var isNamed = false;
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1)
                {
                    continue;
                }

                if (reader.ValueTextEquals("success"u8))
                {
                    return false;
                }

                isNamed |= reader.ValueTextEquals("accepted"u8) || reader.ValueTextEquals("agent_name"u8);
            }

            return isNamed;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
