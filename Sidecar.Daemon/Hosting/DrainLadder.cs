using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Hosting;

/// <summary>The shutdown, step by step: each rung has its own limit, and none can keep the next from being taken.</summary>
/// <remarks>It keeps no state, so one ladder may be descended more than once.</remarks>
internal sealed class DrainLadder
{
    /// <summary>
    /// How long a rung is still waited for after its token fired: enough to abort what is left, remove files and kill processes.
    /// </summary>
    public static readonly TimeSpan AbortLimit = TimeSpan.FromSeconds(1);

    private readonly DrainRung[] _rungs;
    private readonly TimeProvider _time;
    private readonly ILogger<DrainLadder> _logger;

    /// <summary>Takes the rungs in the order in which they run.</summary>
    /// <exception cref="ArgumentException">A rung has a limit that is not above zero.</exception>
    public DrainLadder(IEnumerable<DrainRung> rungs, TimeProvider time, ILogger<DrainLadder> logger)
    {
        _rungs = [.. rungs];
        _time = time;
        _logger = logger;
        if (Array.Find(_rungs, rung => rung.Limit <= TimeSpan.Zero) is { } bad)
        {
            throw new ArgumentException($"the shutdown rung '{bad.Name}' has the limit {bad.Limit}; it must be above zero", nameof(rungs));
        }
    }

    /// <summary>The longest that <see cref="DescendAsync"/> takes. TimeoutStopSec of the unit must be above it.</summary>
    public TimeSpan TotalLimit => _rungs.Aggregate(TimeSpan.Zero, (sum, rung) => sum + rung.Limit + AbortLimit);

    /// <summary>Takes all rungs. Never throws.</summary>
    /// <param name="hurry">
    /// Fires when there is no more patience (a second signal): the rung under way is aborted, and those left start with a token that has
    /// fired and get <see cref="AbortLimit"/> each.
    /// </param>
    public async Task<DrainReport> DescendAsync(CancellationToken hurry)
    {
        var start = _time.GetTimestamp();
        var results = new List<DrainRungResult>(_rungs.Length);
        foreach (var rung in _rungs)
        {
            results.Add(await TakeAsync(rung, hurry).ConfigureAwait(false));
        }

        return new DrainReport(results, _time.GetElapsedTime(start));
    }

    private async Task<DrainRungResult> TakeAsync(DrainRung rung, CancellationToken hurry)
    {
        HostingLog.RungStarted(_logger, rung.Name, rung.Limit);
        var start = _time.GetTimestamp();
        using var limit = new CancellationTokenSource(rung.Limit, _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, hurry);
        var token = stop.Token;

        // On the pool, so that a rung that blocks before its first await does not block the ladder.
        var work = Task.Run(() => rung.RunAsync(token), CancellationToken.None);
        await work.WaitAsync(token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!work.IsCompleted)
        {
            await work.WaitAsync(AbortLimit, _time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!work.IsCompleted)
        {
            _ = ObserveAsync(work, rung.Name);
        }

        return Judge(rung, work, _time.GetElapsedTime(start), limit.IsCancellationRequested, hurry.IsCancellationRequested);
    }

    private DrainRungResult Judge(DrainRung rung, Task work, TimeSpan elapsed, bool limitReached, bool hurried)
    {
        if (work.IsFaulted)
        {
            var error = work.Exception.InnerException ?? work.Exception;
            HostingLog.RungFailed(_logger, error, rung.Name, elapsed);
            return new DrainRungResult(rung.Name, DrainOutcome.Failed, elapsed, error);
        }

        // Also when it then ended without an error: what it had to abort did not finish.
        if (limitReached)
        {
            HostingLog.RungTimedOut(_logger, rung.Name, rung.Limit);
            return new DrainRungResult(rung.Name, DrainOutcome.TimedOut, elapsed);
        }

        if (work.IsCompletedSuccessfully)
        {
            HostingLog.RungDone(_logger, rung.Name, elapsed);
            return new DrainRungResult(rung.Name, DrainOutcome.Done, elapsed);
        }

        if (hurried)
        {
            HostingLog.RungCut(_logger, rung.Name, elapsed);
            return new DrainRungResult(rung.Name, DrainOutcome.Cut, elapsed);
        }

        var cancelled = new TaskCanceledException(work);
        HostingLog.RungFailed(_logger, cancelled, rung.Name, elapsed);
        return new DrainRungResult(rung.Name, DrainOutcome.Failed, elapsed, cancelled);
    }

    private async Task ObserveAsync(Task work, string rung)
    {
        try
        {
            await work.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // It obeyed, if late.
        }
        catch (Exception e)
        {
            HostingLog.RungFailedLate(_logger, e, rung);
        }
    }
}
