using System.Diagnostics.CodeAnalysis;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc.Server;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// The one way out of a stream: one answer at a time, nothing after the last one, nothing at all where Envoy only observes. Safe from any
/// thread.
/// </summary>
/// <param name="stream">Told when an answer cannot be written: the peer is gone or does not read.</param>
/// <param name="call">Where the answers go.</param>
/// <param name="time">The clock of what a write may take.</param>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to free.")]
internal sealed class ExtProcWriter(ExtProcStream stream, IGrpcServerCall call, TimeProvider time)
{
    // Far above what a proxy that lives takes to read; one that does not holds memory of ours.
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _lock = new(1, 1);
    private volatile bool _isClosed;
    private volatile bool _isDecided;

    /// <summary>Whether nothing may be said any more.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>
    /// Whether an answer was given that ends everything. Not where answers only cannot be written any more: then nobody has heard the rest.
    /// </summary>
    public bool IsDecided => _isDecided;

    /// <summary>Whether nothing is said at all, because Envoy only observes. Set before the first answer.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Says nothing from now on.</summary>
    public void Close() => _isClosed = true;

    /// <summary>
    /// Writes an answer unless the last has been given. One that cannot be written ends the stream, and nothing is said any more.
    /// </summary>
    /// <param name="answer">The answer; the memory it refers to is only valid until the returned task ends.</param>
    /// <param name="isLast">Whether it ends everything.</param>
    public async ValueTask WriteAsync(ProcessingResponse answer, bool isLast = false)
    {
        // Each write is bounded, so this wait is too.
        await _lock.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_isClosed)
            {
                return;
            }

            (_isDecided, _isClosed) = (isLast, isLast);
            if (IsSilent || await TryWriteAsync(answer).ConfigureAwait(false))
            {
                return;
            }

            _isClosed = true;
        }
        finally
        {
            _lock.Release();
        }

        stream.OnGone();
    }

    private async ValueTask<bool> TryWriteAsync(ProcessingResponse answer)
    {
        try
        {
            var pending = call.WriteAsync(answer, CancellationToken.None);
            return pending.IsCompleted ? await pending.ConfigureAwait(false) : await WaitAsync(pending.AsTask()).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Whatever broke below, there is nobody to tell.
            return false;
        }
    }

    private async Task<bool> WaitAsync(Task<bool> pending)
    {
        try
        {
            return await pending.WaitAsync(WriteTimeout, time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The answer's memory is valid only until we return, and only a reset ends the write for certain.
            call.Abort();
            await ((Task)pending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return false;
        }
    }
}
