namespace Sidecar.Protocol.Transport;

public sealed partial class FrameConnection
{
    /// <summary>Takes a whole frame for sending, without waiting.</summary>
    /// <param name="frame">The frame as <see cref="FrameBuffer.Finish"/> gives it; copied before the method returns.</param>
    public SendStatus TrySend(OutgoingFrame frame) => _output.TryAppend((byte)frame.Type, frame.Payload.Span);

    /// <summary>The same for what nobody waits for: it goes with what is sent next, at most 2 ms later in any case.</summary>
    /// <param name="frame">The frame; copied before the method returns.</param>
    public SendStatus TrySendUnhurried(OutgoingFrame frame) => _output.TryAppendUnhurried((byte)frame.Type, frame.Payload.Span);

    /// <summary>Takes a whole frame for sending and waits for room if need be.</summary>
    /// <returns><see cref="SendStatus.Full"/> when there was no room within <paramref name="limit"/>.</returns>
    public ValueTask<SendStatus> SendAsync(OutgoingFrame frame, TimeSpan limit, TimeProvider time)
    {
        var status = TrySend(frame);
        return status == SendStatus.Full ? WaitAndSendAsync(frame, limit, time) : new ValueTask<SendStatus>(status);
    }

    /// <summary>
    /// Waits until the write buffer was emptied or the connection ended; false when neither happened within <paramref name="limit"/>.
    /// </summary>
    public async ValueTask<bool> WaitForRoomAsync(TimeSpan limit, TimeProvider time)
    {
        try
        {
            await _output.WaitForRoomAsync().WaitAsync(limit, time).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async ValueTask<SendStatus> WaitAndSendAsync(OutgoingFrame frame, TimeSpan limit, TimeProvider time)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            var left = limit - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || !await WaitForRoomAsync(left, time).ConfigureAwait(false))
            {
                return SendStatus.Full;
            }

            var status = TrySend(frame);
            if (status != SendStatus.Full)
            {
                return status;
            }
        }
    }
}
