using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>
/// The first frame of a proxy's connection, seen from the agent: who it is, and what is spoken from then on. A refused one ends the
/// connection.
/// </summary>
internal sealed class AgentHandshake(
    FrameConnection frames, AgentDialect dialect, Func<HandshakeRequest, HandshakeResponse> negotiate, ILogger logger, LogThrottle pace)
{
    /// <summary>The key by which lines about handshakes that do not come are paced.</summary>
    public const string Missing = "no-handshake";

    private const string Bad = "bad-handshake";

    /// <summary>Answers it.</summary>
    /// <param name="type">The frame's type.</param>
    /// <param name="payload">What it holds.</param>
    /// <param name="request">What the proxy said.</param>
    /// <param name="encoding">What is spoken from now on.</param>
    /// <returns>Whether it was accepted.</returns>
    public bool TryAccept(
        MessageType type,
        ReadOnlyMemory<byte> payload,
        [NotNullWhen(true)] out HandshakeRequest? request,
        [NotNullWhen(true)] out MessageEncoding? encoding)
    {
        (request, encoding) = (null, null);
        try
        {
            if (type != MessageType.HandshakeRequest)
            {
                throw new ProtocolException($"the first frame has type 0x{(byte)type:x2}, expected 0x01 (handshake)");
            }

            request = dialect.ReadRequest(payload);
            var response = negotiate(request);
            using (var frame = FrameBuffer.Rent(MessageType.HandshakeResponse))
            {
                dialect.WriteResponse(frame, response);
                frames.TrySend(frame.Finish());
            }

            if (response.Success)
            {
                encoding = dialect.AgentEncoding(response);
                return true;
            }

            LogRefused(Bad, response.Error!);
            frames.Close();
        }
        catch (ProtocolException e)
        {
            LogRefused(Bad, e.Message);
            frames.Abort(FrameConnectionEnd.ProtocolViolation, e);
        }

        return false;
    }

    /// <summary>It did not come in time.</summary>
    public void Miss(TimeSpan limit, TimeoutException error)
    {
        LogRefused(Missing, $"no handshake within {limit}");
        frames.Abort(FrameConnectionEnd.ProtocolViolation, error);
    }

    private void LogRefused(string kind, string reason)
    {
        if (pace.MayLog(kind, out var leftOut))
        {
            Log.HandshakeRefused(logger, reason, leftOut);
        }
    }
}
