using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections.Framed;

/// <summary>
/// Encodes events and measures how long that takes, for one of sixteen: two looks at the clock cost as much as a small event. Safe from any thread.
/// </summary>
internal sealed class MeasuredEncoder(ConnectionSettings settings, TimeProvider time)
{
    // Counted without care: a lost count only moves a sample.
    private uint _events;

    /// <summary>Writes an event's frame.</summary>
    public void Write(MessageEncoding encoding, FrameBuffer frame, AgentEvent message)
    {
        if (settings.Metrics is not { } metrics || (_events++ & 15) != 0)
        {
            encoding.WriteEvent(frame, message);
            return;
        }

        var started = time.GetTimestamp();
        encoding.WriteEvent(frame, message);
        metrics.Encoded(settings.AgentId, time.GetElapsedTime(started));
    }
}
