using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Tests.Transport;

/// <summary>Keeps the frames and ends of a connection for a test.</summary>
internal sealed class RecordingFrameHandler(Action<MessageType>? onFrame = null) : IFrameHandler
{
    private readonly Lock _lock = new();
    private readonly List<(MessageType Type, byte[] Payload)> _frames = [];
    private int _ends;

    public IReadOnlyList<(MessageType Type, byte[] Payload)> Frames
    {
        get
        {
            lock (_lock)
            {
                return [.. _frames];
            }
        }
    }

    public int Ends => Volatile.Read(ref _ends);

    public FrameConnectionEnd End { get; private set; }

    public Exception? Error { get; private set; }

    public void OnFrame(MessageType type, ReadOnlyMemory<byte> payload)
    {
        lock (_lock)
        {
            _frames.Add((type, payload.ToArray()));
        }

        onFrame?.Invoke(type);
    }

    public void OnEnd(FrameConnectionEnd end, Exception? error)
    {
        (End, Error) = (end, error);
        Interlocked.Increment(ref _ends);
    }
}
