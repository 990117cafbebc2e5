using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Transport;

/// <summary>Takes the frames of one connection.</summary>
public interface IFrameHandler
{
    /// <summary>
    /// One whole frame. Runs on the read loop: it must neither block nor run other people's code. What it sends is flushed when all has
    /// been handed out that came with this frame.
    /// </summary>
    /// <param name="type">The type byte, whether known or not.</param>
    /// <param name="payload">Valid until the method returns.</param>
    void OnFrame(MessageType type, ReadOnlyMemory<byte> payload);

    /// <summary>No further frame comes. Called exactly once, after the last <see cref="OnFrame"/>.</summary>
    /// <param name="end">Why.</param>
    /// <param name="error">The error behind it, if any.</param>
    void OnEnd(FrameConnectionEnd end, Exception? error);
}
