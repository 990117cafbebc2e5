using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections.Framed;

/// <summary>Calls as frames of a dialect on one connection. Safe from any thread.</summary>
/// <param name="frames">The connection.</param>
/// <param name="dialect">Its dialect.</param>
/// <param name="time">The clock.</param>
/// <param name="hasRoom">Whether other calls find a slot while one waits to be sent: the last slots are not for waiting.</param>
internal sealed class FrameCallTransport(
    FrameConnection frames, AgentDialect dialect, TimeProvider time, Func<bool> hasRoom) : ICallTransport<FrameBuffer>
{
    public bool TrySend(FrameBuffer message)
    {
        // No request waits for the news that an exchange is over.
        var frame = message.Finish();
        var status = frame.Type == MessageType.RequestComplete && hasRoom() ? frames.TrySendUnhurried(frame) : frames.TrySend(frame);
        return status != SendStatus.Full;
    }

    public ValueTask<bool> WaitForRoomAsync(TimeSpan limit) => frames.WaitForRoomAsync(limit, time);

    public void SendCancel(CorrelationId id, CancelReason reason)
    {
        using var frame = FrameBuffer.Rent(MessageType.Cancel);
        dialect.WriteCancel(frame, new CancelRequest(id, reason, (ulong)time.GetUtcNow().ToUnixTimeMilliseconds()));
        frames.TrySend(frame.Finish());
    }
}
