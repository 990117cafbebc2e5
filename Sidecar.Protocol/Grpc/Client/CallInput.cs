using System.IO.Pipelines;

namespace Sidecar.Protocol.Grpc.Client;

/// <summary>The bytes that a server sends in a call, also before it has sent its headers: reading waits for those first.</summary>
/// <param name="started">Gives the reader once the headers are there; null when the call ended instead, which reads as its end.</param>
internal sealed class CallInput(Task<PipeReader?> started) : PipeReader
{
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PipeReader? _reader;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        _reader is { } reader ? reader.ReadAsync(cancellationToken) : StartAndReadAsync(cancellationToken);

    public override bool TryRead(out ReadResult result)
    {
        result = default;
        return _reader?.TryRead(out result) ?? false;
    }

    public override void AdvanceTo(SequencePosition consumed) => _reader?.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _reader?.AdvanceTo(consumed, examined);

    public override void CancelPendingRead()
    {
        _cancelled.TrySetResult();
        Volatile.Read(ref _reader)?.CancelPendingRead();
    }

    public override void Complete(Exception? exception = null) => _reader?.Complete(exception);

    private async ValueTask<ReadResult> StartAndReadAsync(CancellationToken cancellation)
    {
        await Task.WhenAny(started, _cancelled.Task).WaitAsync(cancellation).ConfigureAwait(false);
        if (_cancelled.Task.IsCompleted)
        {
            return new ReadResult(default, isCanceled: true, isCompleted: false);
        }

        if (await started.ConfigureAwait(false) is not { } reader)
        {
            return new ReadResult(default, isCanceled: false, isCompleted: true);
        }

        Volatile.Write(ref _reader, reader);

        // A cancel between the look and the write found no reader.
        if (_cancelled.Task.IsCompleted)
        {
            reader.CancelPendingRead();
        }

        return await reader.ReadAsync(cancellation).ConfigureAwait(false);
    }
}
