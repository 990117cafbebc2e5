using System.Buffers;

namespace Sidecar.Daemon.Takeover;

/// <summary>
/// What one side of a link has asked and not been told yet. Bounded; every call ends by its reply, its deadline or the end of the link.
/// </summary>
internal sealed class LinkCalls(int limit, TimeProvider time)
{
    // Beyond what any phase has, and within what timers take.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, TaskCompletionSource<byte[]?>> _open = [];
    private ulong _last;
    private bool _isClosed;

    /// <summary>Begins a call; null when as many as may be are under way, or the link has ended.</summary>
    public ulong? TryBegin(out Task<byte[]?> reply)
    {
        var source = new TaskCompletionSource<byte[]?>(TaskCreationOptions.RunContinuationsAsynchronously);
        reply = source.Task;
        lock (_gate)
        {
            if (_isClosed || _open.Count >= limit)
            {
                return null;
            }

            _open.Add(++_last, source);
            return _last;
        }
    }

    /// <summary>Waits for the reply of a call, and forgets it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="reply">Its reply.</param>
    /// <param name="wait">How long.</param>
    /// <param name="gone">Ends the wait.</param>
    /// <returns>The reply; null when there was none, or not in time.</returns>
    public async ValueTask<byte[]?> WaitAsync(ulong call, Task<byte[]?> reply, TimeSpan wait, CancellationToken gone)
    {
        if (!reply.IsCompleted && wait > TimeSpan.Zero)
        {
            await ((Task)reply).WaitAsync(wait < Longest ? wait : Longest, time, gone)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        lock (_gate)
        {
            _open.Remove(call);
        }

        return reply.IsCompletedSuccessfully ? await reply : null;
    }

    /// <summary>A reply has come; one that nobody waits for any more is dropped.</summary>
    public void Complete(ulong call, in ReadOnlySequence<byte> payload) => Find(call)?.TrySetResult(payload.ToArray());

    /// <summary>The other has no reply.</summary>
    public void Fail(ulong call) => Find(call)?.TrySetResult(null);

    /// <summary>The link has ended: nobody will reply.</summary>
    public void Close()
    {
        TaskCompletionSource<byte[]?>[] open;
        lock (_gate)
        {
            _isClosed = true;
            open = [.. _open.Values];
        }

        foreach (var source in open)
        {
            source.TrySetResult(null);
        }
    }

    private TaskCompletionSource<byte[]?>? Find(ulong call)
    {
        lock (_gate)
        {
            return _open.GetValueOrDefault(call);
        }
    }
}
