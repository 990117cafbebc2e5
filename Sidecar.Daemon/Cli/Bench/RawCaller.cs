using System.Buffers.Binary;
using System.Threading.Tasks.Sources;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Frames without encoding or decoding, against an echo: what the transport alone can carry, the measure for the codecs.</summary>
internal sealed class RawCaller : ICaller, IValueTaskSource<string?>
{
    private readonly FrameConnection _connection;
    private readonly OutgoingFrame _frame;

    // Mutable struct: must not be readonly.
    private ManualResetValueTaskSourceCore<string?> _source = new() { RunContinuationsAsynchronously = true };

    /// <summary>A worker with its own place on the connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="slot">Its number, which travels in the frame.</param>
    /// <param name="size">Bytes of payload, at least 4.</param>
    public RawCaller(FrameConnection connection, int slot, int size)
    {
        _connection = connection;
        var payload = new byte[size];
        BinaryPrimitives.WriteInt32BigEndian(payload, slot);
        _frame = new OutgoingFrame(MessageType.RequestHeaders, payload);
    }

    public long Messages { get; private set; }

    /// <summary>An echo knows no exchanges: each frame stands for one.</summary>
    public long Exchanges => Messages;

    public ValueTask<string?> CallAsync()
    {
        _source.Reset();
        var answer = new ValueTask<string?>(this, _source.Version);
        if (_connection.TrySend(_frame) != SendStatus.Sent)
        {
            _source.SetResult("the frame could not be sent");
        }

        return answer;
    }

    /// <summary>The echo has come, or never will.</summary>
    public void Complete(string? failure)
    {
        Messages += failure is null ? 1 : 0;
        _source.SetResult(failure);
    }

    public string? GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
