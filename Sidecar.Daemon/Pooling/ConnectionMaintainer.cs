using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections;

namespace Sidecar.Daemon.Pooling;

/// <summary>Keeps one connection of a pool alive: dials, watches, and dials again, for ever.</summary>
/// <remarks>
/// Its connection belongs to one endpoint, its home. While that is left alone the connection lives at another endpoint; when home is back a
/// new one is opened there first, and the guest is kept only for the exchanges that it has.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Without a timer or a wait handle there is nothing to dispose of.")]
internal sealed class ConnectionMaintainer(
    ConnectionPool pool, EndpointSet endpoints, int home, Random random, TimeProvider time, ILogger logger)
{
    // How often one that is too many looks whether others serve in its place.
    private static readonly TimeSpan SpareLook = TimeSpan.FromMilliseconds(50);

    private readonly Signal _signal = new();
    private readonly CancellationTokenSource _spared = new();
    private volatile PooledConnection? _current;
    private volatile bool _isSpare;
    private Task _retiring = Task.CompletedTask;

    /// <summary>Whether its connection takes new exchanges.</summary>
    public bool TakesNew => _current is { TakesNew: true };

    /// <summary>An endpoint may be worth another look.</summary>
    public void Nudge() => _signal.Set();

    /// <summary>The pool keeps fewer connections: this one goes as soon as others serve and no exchange needs it, and none takes its place.</summary>
    public void Spare()
    {
        _isSpare = true;
        _spared.Cancel();
        _signal.Set();
    }

    /// <summary>Keeps the connection until the token fires, or until it is one too many.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested && !_isSpare)
        {
            if (endpoints.Claim(home, out var wait) is not { } endpoint)
            {
                await _signal.WaitAsync(wait, time, stopping).ConfigureAwait(false);
                continue;
            }

            var next = await DialAsync(endpoint, stopping).ConfigureAwait(false);
            while (next is not null)
            {
                next = await KeepAsync(next, stopping).ConfigureAwait(false);
            }
        }

        await _retiring.ConfigureAwait(false);
    }

    // Null when it did not work; the endpoints knows by then.
    private async Task<Kept?> DialAsync(PoolEndpoint endpoint, CancellationToken stopping)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, _spared.Token);
        try
        {
            var connection = await endpoint.Dialer.DialAsync(pool, either.Token).ConfigureAwait(false);
            var kept = new Kept(pool.Add(connection, endpoint), endpoint, time.GetTimestamp());
            _current = kept.Pooled;
            endpoints.Reached(endpoint);
            return kept;
        }
        catch (Exception) when (either.IsCancellationRequested)
        {
            // One that waits for an agent to dial in must take no registration that another waits for.
            endpoints.Withdrew(endpoint);
        }
        catch (AgentUnreachableException e)
        {
            pool.ReportMissed(endpoint, e.Problem, e.Message);
        }
        catch (Exception e)
        {
            Log.KeeperFailed(logger, pool.Settings.AgentId, e);
            pool.ReportMissed(endpoint, DialProblem.Unreachable, e.Message);
        }

        return null;
    }

    // Returns the connection that takes its place at home; null when it has ended.
    private async Task<Kept?> KeepAsync(Kept kept, CancellationToken stopping)
    {
        Kept? next = null;
        try
        {
            next = await WatchAsync(kept, stopping).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.KeeperFailed(logger, pool.Settings.AgentId, e);
        }

        if (next is null && _isSpare && !kept.Pooled.Connection.Ended.IsCompleted)
        {
            while (!pool.HasKept && !kept.Pooled.Connection.Ended.IsCompleted && !stopping.IsCancellationRequested)
            {
                await _signal.WaitAsync(SpareLook, time, stopping).ConfigureAwait(false);
            }

            await RetireAsync(kept, stopping).ConfigureAwait(false);
        }
        else if (next is null)
        {
            await CloseAsync(kept).ConfigureAwait(false);
        }
        else
        {
            _retiring = RetireAsync(kept, stopping);
        }

        return next;
    }

    private async Task<Kept?> WatchAsync(Kept kept, CancellationToken stopping)
    {
        var connection = kept.Pooled.Connection;
        var watch = new ConnectionWatch(pool, kept.Pooled, random, time);
        kept.Pooled.Watcher = _signal;
        _ = connection.Ended.ContinueWith(
            static (_, signal) => ((Signal)signal!).Set(), _signal, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        var looked = time.GetTimestamp();
        while (true)
        {
            var wait = watch.NextLook - time.GetElapsedTime(looked);
            var isGuest = kept.Endpoint.Index != home && _retiring.IsCompleted;
            if (isGuest && endpoints.RestOf(home) is var rest && rest < wait)
            {
                wait = rest;
            }

            await _signal.WaitAsync(wait, time, stopping).ConfigureAwait(false);
            if (connection.Ended.IsCompleted || stopping.IsCancellationRequested || _isSpare)
            {
                return null;
            }

            if (isGuest && endpoints.ClaimHome(home) is { } endpoint && await DialAsync(endpoint, stopping).ConfigureAwait(false) is { } moved)
            {
                Log.MovedHome(logger, pool.Settings.AgentId, endpoint.Dialer.Endpoint);
                return moved;
            }

            if (watch.IsDue(time.GetElapsedTime(looked)))
            {
                watch.Look();
                looked = time.GetTimestamp();
            }
        }
    }

    // It may only go when no exchange has it, however long one waits for its response; and not just after the last has ended, whose end may have to be told.
    private async Task RetireAsync(Kept kept, CancellationToken stopping)
    {
        kept.Pooled.Retire();
        var connection = kept.Pooled.Connection;
        while (!connection.Ended.IsCompleted && !stopping.IsCancellationRequested
            && (connection.Stats.Waiting > 0 || kept.Pooled.Exchanges > 0 || kept.Pooled.UnusedFor < pool.Settings.DrainTimeout))
        {
            await ((Task)connection.Ended).WaitAsync(TimeSpan.FromSeconds(1), time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await CloseAsync(kept).ConfigureAwait(false);
    }

    private async Task CloseAsync(Kept kept)
    {
        var ended = kept.Pooled.Connection.Ended;
        pool.Remove(kept.Pooled);
        await kept.Pooled.Connection.DisposeAsync().ConfigureAwait(false);

        // One that we retired says nothing about its endpoint.
        if (kept.Pooled.IsRetiring)
        {
            endpoints.Left(kept.Endpoint);
        }
        else
        {
            endpoints.Ended(kept.Endpoint, time.GetElapsedTime(kept.Since));
        }

        pool.UpdateState(ended.IsCompletedSuccessfully ? await ended.ConfigureAwait(false) : "the pool stops");
    }

    private sealed record Kept(PooledConnection Pooled, PoolEndpoint Endpoint, long Since);
}
