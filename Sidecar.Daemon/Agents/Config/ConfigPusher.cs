using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Daemon.Agents.Config;

/// <summary>
/// Pushes configurations to agents: one after the other for each agent, tried again within bounds, and to be asked about later (spec §9.9).
/// </summary>
/// <remarks>
/// A configuration counts from its acknowledgement on: it is what new connections are given. One that is refused, or that nobody answers,
/// changes nothing for them. Safe from any thread; nothing here waits on the caller's thread.
/// </remarks>
internal sealed class ConfigPusher(ConfigPushSettings settings, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, PushQueue> _queues = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConfigDelivery _delivery = new(settings, time);

    // Numbers begin anew with each start, and an agent that outlives us must not take a new configuration for one that it knows.
    private readonly string _boot = time.GetUtcNow().ToUnixTimeMilliseconds().ToString("x", CultureInfo.InvariantCulture);
    private long _last;

    /// <summary>Begins to push a configuration to an agent.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="configuration">Any JSON value.</param>
    /// <param name="error">Why it cannot be, when the result is null.</param>
    public ConfigPush? Start(AgentState agent, JsonElement configuration, out string? error)
    {
        error = null;
        var id = $"push-{Interlocked.Increment(ref _last)}";
        var push = new ConfigPush(id, agent, new ConfigurationValue(configuration, $"{_boot}-{id}"), time.GetUtcNow());
        if (Closed || !QueueOf(agent.Id).TryAdd(push, DeliverAsync))
        {
            error = Closed ? "the daemon stops" : $"{settings.MaxPending} configuration pushes to agent {agent.Id} wait already, which is "
                + "the limit; wait until they have ended";
            return null;
        }

        Log.PushStarted(logger, id, agent.Id);
        return push;
    }

    /// <summary>
    /// A connection has come: it is given the agent's configuration if it does not have it. What its dialler gave it meanwhile may be
    /// outdated.
    /// </summary>
    public void OnConnected(AgentState agent, PooledConnection connection)
    {
        if (LacksCurrent(agent, connection) && !Closed)
        {
            QueueOf(agent.Id).Run(async () =>
            {
                try
                {
                    await CatchUpAsync(agent, connection);
                }
                catch (Exception e)
                {
                    Log.PushBroke(logger, "catch-up", agent.Id, e);
                }
            });
        }
    }

    /// <summary>All pushes that have not ended, and those that did lately, by age.</summary>
    public IReadOnlyList<ConfigPushReading> List() =>
    [
        .. _queues.Values.SelectMany(static queue => queue.Pushes()).Select(static push => push.Reading)
            .OrderBy(static push => push.Created).ThenBy(static push => push.Id.Length)
            .ThenBy(static push => push.Id, StringComparer.Ordinal),
    ];

    /// <summary>The push of this id; null when there is none, or it was forgotten.</summary>
    public ConfigPushReading? Find(string id) =>
        _queues.Values.SelectMany(static queue => queue.Pushes()).FirstOrDefault(push => push.Id == id)?.Reading;

    /// <summary>Ends what is under way. Pushes that have not ended expire.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!Closed)
        {
            await _stopping.CancelAsync();
        }

        await Task.WhenAll(_queues.Values.Select(static queue => queue.WhenIdleAsync()));
    }

    private bool Closed => _stopping.IsCancellationRequested;

    private PushQueue QueueOf(string agent) => _queues.GetOrAdd(agent, _ => new PushQueue(settings, time));

    private static bool LacksCurrent(AgentState agent, PooledConnection connection) =>
        agent.Configuration.Current is { Value: not null } current && !agent.Configuration.WasGiven(connection.Connection, current);

    private async Task DeliverAsync(ConfigPush push)
    {
        var (outcome, reason) = (ConfigDelivery.Outcome.Missed, (string?)"the daemon stops");
        try
        {
            for (var attempt = 0; attempt <= settings.MaxRetries && !Closed && outcome == ConfigDelivery.Outcome.Missed; attempt++)
            {
                if (attempt > 0)
                {
                    await Task.Delay(
                        settings.RetryInterval, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                push.Attempt();
                (outcome, reason) = await _delivery.AttemptAsync(push, _stopping.Token);
                push.Missed(reason ?? "");
            }
        }
        catch (Exception e)
        {
            // A defect of ours: whoever asks must learn of it, and the next push must have its turn.
            Log.PushBroke(logger, push.Id, push.Agent.Id, e);
            (outcome, reason) = (ConfigDelivery.Outcome.Refused, "a defect of the daemon; see its log");
        }

        var state = outcome switch
        {
            ConfigDelivery.Outcome.Done => ConfigPushState.Acknowledged,
            ConfigDelivery.Outcome.Refused => ConfigPushState.Failed,
            _ => ConfigPushState.Expired,
        };
        var (word, attempts) = (ConfigPushLabels.Of(state), push.Reading.Attempts);
        push.Agent.Metrics.PushEnded(push.Agent.Id, word);
        var level = state == ConfigPushState.Acknowledged ? LogLevel.Information : LogLevel.Warning;
        Log.PushEnded(logger, level, push.Id, push.Agent.Id, word, attempts, reason ?? "accepted");
        push.End(state, reason, time.GetUtcNow());
    }

    private async Task CatchUpAsync(AgentState agent, PooledConnection connection)
    {
        for (var attempt = 0; attempt <= settings.MaxRetries && !Closed && connection.Connection.IsOpen
            && LacksCurrent(agent, connection); attempt++)
        {
            if (attempt > 0)
            {
                await Task.Delay(settings.RetryInterval, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            var current = agent.Configuration.Current;
            var (outcome, reason) = await _delivery.SendAsync(connection, agent, current, "catch-up", _stopping.Token);
            if (outcome == ConfigDelivery.Outcome.Refused)
            {
                // As when a dialler is refused: an agent without its configuration must not judge.
                connection.Connection.Abort(reason!);
            }
        }
    }
}

/// <summary>What is logged about the configurations of agents. Ids 1200–1249.</summary>
internal static partial class Log
{
    [LoggerMessage(1200, LogLevel.Information, "configuration {Push} is pushed to agent {Agent}")]
    public static partial void PushStarted(ILogger logger, string push, string agent);

    [LoggerMessage(EventId = 1201, Message = "configuration {Push} to agent {Agent} is {State} after {Attempts} attempts: {Reason}")]
    public static partial void PushEnded(
        ILogger logger, LogLevel level, string push, string agent, string state, int attempts, string reason);

    [LoggerMessage(1202, LogLevel.Error, "configuration {Push} to agent {Agent} could not be pushed")]
    public static partial void PushBroke(ILogger logger, string push, string agent, Exception error);

    [LoggerMessage(EventId = 1203, Message = "agent {Agent} sends {Type} ({Detail}): {Answer}; {LeftOut} more since the last such line")]
    public static partial void UpdateRequested(
        ILogger logger, LogLevel level, string agent, string type, string detail, string answer, long leftOut);
}
