using Sidecar.Protocol.Spop;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>The answers of one connection: composed by many at once, written by one loop, as many in a batch as have gathered.</summary>
/// <param name="output">The write side of the connection.</param>
/// <param name="options">Bounds.</param>
/// <param name="time">The clock of the deadlines.</param>
internal sealed class SpopReplies(FrameOutput output, SpopListenerOptions options, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<SpopAckWriter> _writers = [];
    private bool _isDisposed;

    /// <summary>The frame size agreed on; set before the first answer.</summary>
    public int MaxFrameSize { get; set; } = SpopLimits.MinFrameSize;

    /// <summary>A writer for one answer.</summary>
    public SpopAckWriter Rent()
    {
        lock (_gate)
        {
            return _writers.TryPop(out var writer) ? writer : new SpopAckWriter(MaxFrameSize, options.VariablePrefix.Length);
        }
    }

    /// <summary>The answer is sent.</summary>
    public void Return(SpopAckWriter writer)
    {
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _writers.Push(writer);
                return;
            }
        }

        writer.Dispose();
    }

    /// <summary>Sends a frame; it may be used again when this returns completed.</summary>
    /// <returns>False when the connection is gone, or its peer did not read in time.</returns>
    public ValueTask<bool> SendAsync(ReadOnlyMemory<byte> frame) => output.TryAppend(frame.Span) switch
    {
        SendStatus.Sent => new(true),
        SendStatus.Full => WaitAndSendAsync(frame),
        _ => new(false),
    };

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            while (_writers.TryPop(out var writer))
            {
                writer.Dispose();
            }
        }
    }

    private async ValueTask<bool> WaitAndSendAsync(ReadOnlyMemory<byte> frame)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            var left = options.WriteTimeout - time.GetElapsedTime(start);
            try
            {
                await output.WaitForRoomAsync().WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                output.Close(discard: true);
                return false;
            }

            if (output.TryAppend(frame.Span) is not SendStatus.Full and var status)
            {
                return status == SendStatus.Sent;
            }
        }
    }
}
