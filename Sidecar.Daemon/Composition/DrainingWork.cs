using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Composition;

/// <summary>
/// What changes have made superfluous and what has not ended yet: versions of agents, listeners. Awaited at the end. Safe from any thread.
/// </summary>
/// <param name="logger">Is told of what did not end in order.</param>
internal sealed partial class DrainingWork(ILogger logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<Task> _draining = [];

    /// <summary>Fires when there is no more time for it.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Whether everything has ended.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _draining.Count == 0;
            }
        }
    }

    /// <summary>Takes one over. What has ended is not kept.</summary>
    public void Add(Task draining)
    {
        lock (_gate)
        {
            _draining.Add(draining);
        }

        _ = draining.ContinueWith(
            ended =>
            {
                lock (_gate)
                {
                    _draining.Remove(ended);
                }

                if (ended.Exception is { } error)
                {
                    LogBroke(logger, error);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>Waits for the end of all, at most so long.</summary>
    public Task WhenEmptyAsync(TimeSpan limit, TimeProvider time)
    {
        lock (_gate)
        {
            return WaitAsync(Task.WhenAll([.. _draining]), limit, time);
        }
    }

    /// <summary>Says that there is no more time, and waits for the end of all.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task[] left;
        lock (_gate)
        {
            left = [.. _draining];
        }

        await Task.WhenAll(left).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task WaitAsync(Task all, TimeSpan limit, TimeProvider time) =>
        await all.WaitAsync(limit, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    [LoggerMessage(23, LogLevel.Error, "what a change made superfluous did not end in order; this is a defect of the daemon")]
    private static partial void LogBroke(ILogger logger, Exception error);
}
