using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections;

/// <summary>One event as it is sent to several agents: encoded once for each encoding. Safe from any thread.</summary>
/// <remarks>Reused for one event after the other, each of which does not change meanwhile.</remarks>
internal sealed class EventFrames
{
    private readonly Lock _lock = new();
    private readonly List<(MessageEncoding Encoding, FrameBuffer Frame)> _frames = new(2);

    /// <summary>The event in an encoding, when it was kept before; the caller gives it back.</summary>
    public FrameBuffer? Find(MessageEncoding encoding)
    {
        lock (_lock)
        {
            foreach (var (known, frame) in _frames)
            {
                if (ReferenceEquals(known, encoding))
                {
                    return frame.Share();
                }
            }

            return null;
        }
    }

    /// <summary>Keeps the event in an encoding for those who come; it stays the caller's, too.</summary>
    public void Keep(MessageEncoding encoding, FrameBuffer frame)
    {
        lock (_lock)
        {
            _frames.Add((encoding, frame.Share()));
        }
    }

    /// <summary>Everybody has been asked: what comes next is another event.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            foreach (var (_, frame) in _frames)
            {
                frame.Dispose();
            }

            _frames.Clear();
        }
    }
}
