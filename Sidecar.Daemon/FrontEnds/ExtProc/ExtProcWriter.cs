using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Daemon.FrontEnds.Common;
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

/// <summary>
/// How long agents may take for one message, and the asking of Envoy for more (proxy integration §3.5.9). Safe from any thread.
/// </summary>
/// <remarks>
/// Envoy's timer runs from the moment it sends a message and starts anew with each, so more time can be asked for only where no other
/// message of the direction can come before the answer: not for a streamed piece that others follow, and in full duplex there is no timer
/// at all. The message that asks is followed by the real answer. Envoy ignores it where the filter has no <c>max_message_timeout</c>.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal readonly struct MessageTimeout(EnvoyFilterOptions options, TimeProvider time, ExtProcWriter writer)
{
    /// <summary>When the agents' time for a message is up, a timestamp.</summary>
    /// <param name="arrived">When it came.</param>
    /// <param name="mayExtend">Whether more time can be asked for.</param>
    public long DeadlineOf(long arrived, bool mayExtend)
    {
        // Of the longer time, too, a part is left for the way back.
        var budget = options.Budget + (mayExtend && CanExtend ? options.MaxMessageTimeout * options.UsableTime : TimeSpan.Zero);
        return arrived + (long)(budget.TotalSeconds * time.TimestampFrequency);
    }

    /// <summary>Waits for what the agents say; asks for more time when Envoy's is nearly up.</summary>
    public ValueTask<T> AwaitAsync<T>(ValueTask<T> pending, long arrived, bool mayExtend) =>
        pending.IsCompleted || !mayExtend || !CanExtend ? pending : ExtendAsync(pending.AsTask(), arrived);

    private bool CanExtend => options.MaxMessageTimeout >= TimeSpan.FromMilliseconds(1);

    private async ValueTask<T> ExtendAsync<T>(Task<T> pending, long arrived)
    {
        var left = options.Budget - time.GetElapsedTime(arrived);
        using var answered = new CancellationTokenSource();
        var due = Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, answered.Token);
        var isAnswered = await Task.WhenAny(pending, due).ConfigureAwait(false) == pending;
        await answered.CancelAsync().ConfigureAwait(false);
        if (!isAnswered)
        {
            var longer = new ProcessingResponse { OverrideMessageTimeout = Duration.FromTimeSpan(options.MaxMessageTimeout) };
            await writer.WriteAsync(longer).ConfigureAwait(false);
        }

        return await pending.ConfigureAwait(false);
    }
}
