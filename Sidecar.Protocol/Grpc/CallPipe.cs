using System.IO.Pipelines;

namespace Sidecar.Protocol.Grpc;

/// <summary>The pipe of a gRPC call as a connection uses it.</summary>
/// <remarks>
/// Completing the writing side leaves the call open: a server's status is yet to come, and a client ends it by disposing. Waking a call
/// that has ended throws, and in Kestrel its pipes may be another call's by then: neither must happen to a connection, which anyone may
/// wake.
/// </remarks>
internal sealed class CallPipe : IDuplexPipe
{
    private readonly Lock _gate = new();
    private bool _isOver;

    public CallPipe(IDuplexPipe call) => (Input, Output) = (new Reader(this, call.Input), new Writer(this, call.Output));

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>The call ends: its pipes are not touched any more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isOver = true;
        }
    }

    private void Wake(Action wake)
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return;
            }

            try
            {
                wake();
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
            {
                // Whoever waits there learns of the end by itself.
            }
        }
    }

    private sealed class Reader(CallPipe pipe, PipeReader inner) : PipeReader
    {
        public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => pipe.Wake(inner.CancelPendingRead);

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            inner.ReadAsync(cancellationToken);

        public override bool TryRead(out ReadResult result) => inner.TryRead(out result);
    }

    private sealed class Writer(CallPipe pipe, PipeWriter inner) : PipeWriter
    {
        public override void Advance(int bytes) => inner.Advance(bytes);

        public override void CancelPendingFlush() => pipe.Wake(inner.CancelPendingFlush);

        public override void Complete(Exception? exception = null)
        {
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            inner.FlushAsync(cancellationToken);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(source, cancellationToken);
    }
}
