using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>The agent's side of a registration: one question, one answer, before the connection carries anything else (spec §8).</summary>
internal static class Registration
{
    // Far more than any answer; a proxy that announces more is none.
    private const int MaxAnswerLength = 1024 * 1024;

    /// <summary>Registers on a stream that was just opened.</summary>
    /// <returns>The answer, which may be a refusal.</returns>
    /// <exception cref="ProtocolException">The proxy answered with something else, or not at all.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static async Task<RegistrationResponse> AskAsync(Stream stream, RegistrationRequest request, CancellationToken cancellation)
    {
        var refusedUnread = await TrySendAsync(stream, request, cancellation).ConfigureAwait(false);
        var frame = await OpeningFrame.ReadAsync(stream, MaxAnswerLength, cancellation).ConfigureAwait(false);
        if (frame.End != FrameConnectionEnd.None)
        {
            throw new ProtocolException($"the proxy did not answer the registration: {refusedUnread?.Message ?? frame.Problem}");
        }

        return frame.Type == MessageType.HandshakeResponse
            ? HandshakeCodec.ReadRegistrationResponse(frame.Payload)
            : throw new ProtocolException(
                $"the proxy answered the registration with a frame of type 0x{(byte)frame.Type:x2}, expected 0x02");
    }

    // A proxy may refuse before it reads, and then close: the sending fails, but its reason can be read.
    private static async Task<IOException?> TrySendAsync(Stream stream, RegistrationRequest request, CancellationToken cancellation)
    {
        using var frame = FrameBuffer.Rent(MessageType.HandshakeRequest);
        HandshakeCodec.WriteRegistrationRequest(frame, request);
        try
        {
            await stream.WriteAsync(frame.Finish().ToArray(FrameFormat.Native), cancellation).ConfigureAwait(false);
            return null;
        }
        catch (IOException e)
        {
            return e;
        }
    }
}
