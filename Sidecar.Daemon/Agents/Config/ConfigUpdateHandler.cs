using System.Collections.Concurrent;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents.Config;

/// <summary>
/// What the daemon does about an agent's requests (spec §6.4): it sends the configuration again when asked, not too often; it takes note of errors and of
/// restarts that are needed; it refuses changes of rules and lists, because it keeps none. Safe from any thread.
/// </summary>
internal sealed class ConfigUpdateHandler(ConfigPusher pusher, ConfigPushSettings settings, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, long> _reloads = new(StringComparer.Ordinal);

    /// <summary>Accepts a request, or says why not. Called on a read loop: does not block.</summary>
    /// <returns>Null when it is accepted, else the reason why not.</returns>
    public string? Handle(AgentState agent, ConfigUpdate update) => update switch
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
}
