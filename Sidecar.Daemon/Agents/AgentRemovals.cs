using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Sidecar.Daemon.Agents;

/// <summary>
/// Takes agents out of service while the daemon runs, each once, and remembers which: routes that name them go on without them (spec §9.7).
/// Safe from any thread.
/// </summary>
/// <param name="remove">Takes one out: drains it and closes its connections. The token ends the drain.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class AgentRemovals(
    Func<AgentState, CancellationToken, Task> remove, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, (DateTimeOffset Since, Lazy<Task> Done)> _removals = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Begins to take an agent out; the end can be seen in the list of agents. Asking again changes nothing.</summary>
    public void Start(AgentState agent)
    {
        // Only the one that is kept runs. One that has ended was of an agent of the same name before.
        (DateTimeOffset Since, Lazy<Task> Done) New() => (time.GetUtcNow(), new Lazy<Task>(() => RunAsync(agent)));
        var removal = _removals.AddOrUpdate(
            agent.Id, _ => New(), (_, before) => before.Done is { IsValueCreated: true, Value.IsCompleted: true } ? New() : before);
        _ = removal.Done.Value;
    }

    /// <summary>The agents that are being taken out or are gone, and since when.</summary>
    public IReadOnlyList<(string Agent, DateTimeOffset Since)> List() =>
        [.. _removals.OrderBy(static removal => removal.Value.Since).Select(static removal => (removal.Key, removal.Value.Since))];

    /// <summary>Ends the drains that are under way.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_removals.Values.Select(static removal => removal.Done.Value));
    }

    private async Task RunAsync(AgentState agent)
    {
        // Draining takes as long as exchanges do: nobody's thread is kept for it.
        await Task.Yield();
        LogRemoving(logger, agent.Id, agent.Versions.Sum(static version => version.OpenExchanges));
        try
        {
            await remove(agent, _stopping.Token);
            LogRemoved(logger, agent.Id);
        }
        catch (Exception e)
        {
            // A defect of ours: it must neither end the process nor stay unseen.
            LogBroke(logger, agent.Id, e);
        }
    }

    [LoggerMessage(1250, LogLevel.Warning, "agent {Agent} is being removed, as was ordered: new exchanges go without it, {Open} may end")]
    private static partial void LogRemoving(ILogger logger, string agent, int open);

    [LoggerMessage(1251, LogLevel.Warning, "agent {Agent} is removed: its routes go on without it until the daemon is started again")]
    private static partial void LogRemoved(ILogger logger, string agent);

    [LoggerMessage(1252, LogLevel.Error, "the removal of agent {Agent} broke; this is a defect of the daemon")]
    private static partial void LogBroke(ILogger logger, string agent, Exception error);
}
