using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Agents.Config;

/// <summary>
/// The requests of agents about their configuration: each is decided, answered where the transport can, counted, and kept for operators.
/// Safe from any thread.
/// </summary>
internal sealed class ConfigUpdates(ConfigPusher pusher, ConfigPushSettings settings, TimeProvider time, ILogger logger)
{
    /// <summary>Most requests remembered; the oldest go first.</summary>
    public const int Most = 100;

    // What an agent writes is shown to people; a longer text is cut.
    private const int MaxText = 500;

    private readonly Lock _gate = new();
    private readonly Queue<ConfigUpdateReading> _latest = new();
    private readonly LogThrottle _throttle = new(time);
    private readonly ConcurrentDictionary<string, long> _reloads = new(StringComparer.Ordinal);

    /// <summary>A request has come. On a read loop.</summary>
    public void Take(AgentState agent, IAgentConnection connection, ConfigUpdateRequest request)
    {
        var type = ConfigPushLabels.Of(request.Update);
        var refusal = Handle(agent, request.Update);
        var now = time.GetUtcNow();
        var replied = connection.TryReply(
            new ConfigUpdateResponse(request.RequestId, refusal is null, refusal, (ulong)now.ToUnixTimeMilliseconds()));
        var reading = new ConfigUpdateReading(
            agent.Id, connection.Id, Cut(request.RequestId), type, Detail(request.Update), refusal is null, refusal, replied, now);
        lock (_gate)
        {
            _latest.Enqueue(reading);
            if (_latest.Count > Most)
            {
                _latest.Dequeue();
            }
        }

        agent.Metrics.UpdateRequested(agent.Id, type, refusal is null);
        if (_throttle.MayLog($"{agent.Id} {type}", out var leftOut))
        {
            var level = request.Update is ConfigError or RestartRequired ? LogLevel.Warning : LogLevel.Information;
            Log.UpdateRequested(logger, level, agent.Id, type, reading.Detail, refusal ?? "accepted", leftOut);
        }
    }

    /// <summary>The latest requests, oldest first.</summary>
    public IReadOnlyList<ConfigUpdateReading> List()
    {
        lock (_gate)
        {
            return [.. _latest];
        }
    }

    // The configuration is sent again when it is asked for, not too often; errors and restarts that are needed are noted; changes of rules
    // and lists are refused, because the daemon keeps none. Null when the request is accepted, else the reason why not.
    private string? Handle(AgentState agent, ConfigUpdate update) => update switch
    {
        RequestReload => Reload(agent),
        RuleUpdate or ListUpdate => "the daemon keeps no rules or lists",
        _ => null,
    };

    private string? Reload(AgentState agent)
    {
        if (agent.Configuration.Current.Value is not { } configuration)
        {
            return "no configuration is set for the agent";
        }

        var now = time.GetTimestamp();
        var last = _reloads.GetOrAdd(agent.Id, now);
        if (last != now && time.GetElapsedTime(last, now) < settings.ReloadInterval)
        {
            return $"the last reload was less than {settings.ReloadInterval.TotalSeconds:0} s ago";
        }

        _reloads[agent.Id] = now;
        pusher.Start(agent, configuration, out var error);
        return error;
    }

    private static string Detail(ConfigUpdate update) => Cut(update switch
    {
        RuleUpdate rules => $"rule set {rules.RuleSet}: {rules.Rules.Count} rules, {rules.RemoveRules.Count} to remove",
        ListUpdate list => $"list {list.ListId}: {list.Add.Count} entries, {list.Remove.Count} to remove",
        RestartRequired restart => $"{restart.Reason} (within {restart.GracePeriodMs} ms)",
        ConfigError { Field: { } field } error => $"{field}: {error.Error}",
        ConfigError error => error.Error,
        _ => "",
    });

    private static string Cut(string text) => PeerText.Clean(text, MaxText - 1);
}

/// <summary>A request of an agent about its configuration, and what became of it.</summary>
/// <param name="Agent">The agent's id.</param>
/// <param name="Connection">The connection it came on.</param>
/// <param name="RequestId">The agent's name for it.</param>
/// <param name="Type">What it asks (spec §6.4).</param>
/// <param name="Detail">What it says.</param>
/// <param name="IsAccepted">Whether it was accepted.</param>
/// <param name="Error">Why not.</param>
/// <param name="IsReplied">Whether the agent could be told; Unix sockets have no way to do so.</param>
/// <param name="Received">When it came.</param>
internal sealed record ConfigUpdateReading(
    string Agent, string Connection, string RequestId, string Type, string Detail, bool IsAccepted, string? Error, bool IsReplied,
    DateTimeOffset Received);
