using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections.Framed;

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
            return await _response.Task.WaitAsync(left, time, cancellation).ConfigureAwait(false);
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
