using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control.Documents;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Encodings.Values;

namespace Sidecar.Daemon.Control;

/// <summary>Takes orders to push configurations.</summary>
internal sealed class ConfigPushEndpoint(DaemonView daemon)
{
    /// <summary>Most bytes of an order: a configuration in which every character is escaped, and room for what is around it.</summary>
    public const int MaxBytes = 4 * ConfigurationFile.MaxBytes;

    /// <summary>Reads an order and begins what it asks for.</summary>
    public async Task<AdminAnswer> TakeAsync(IHttpRequestFeature request)
    {
        var (order, problem) = await OrderBody.ReadAsync(
            request, MaxBytes, "the fields 'agent' and 'config', both optional", OrderJson.Default.ConfigPushOrder,
            new ConfigPushOrder(null, null));
        if (order is null)
        {
            return problem;
        }

        var agents = daemon.Agents();
        JsonElement? config = order.Config is { } told ? FreeJson.Repaired(told) : null;
        if (order.Agent is not { } id)
        {
            return Push(agents, config, isNamed: false);
        }

        return daemon.Find(id) is { } one ? Push([one], config, isNamed: true) : AdminAnswer.NoSuchAgent(id, agents);
    }

    private AdminAnswer Push(IReadOnlyList<AgentState> agents, JsonElement? config, bool isNamed)
    {
        var (pushes, errors) = (new List<ConfigPushDocument>(), new List<string>());
        foreach (var agent in agents)
        {
            PooledConnection[] live = [.. agent.Connections];
            if (!isNamed && live.Length > 0 && !Array.Exists(live, static pooled => pooled.Connection.Capabilities.Features.ConfigPush))
            {
                errors.Add($"agent {agent.Id} does not take configuration pushes");
            }
            else if (ConfigurationOf(agent, config, out var error) is { } value && daemon.Pusher.Start(agent, value, out error) is { } push)
            {
                pushes.Add(AdminPages.Of(push.Reading));
            }
            else
            {
                errors.Add(error!);
            }
        }

        if (pushes.Count == 0)
        {
            return AdminAnswer.Error(StatusCodes.Status409Conflict, errors.Count == 0 ? "there is no agent" : string.Join("; ", errors));
        }

        var begun = new ConfigPushesDocument { Daemon = AdminJson.DaemonName, Pushes = pushes, Errors = errors.Count > 0 ? errors : null };
        return new(StatusCodes.Status202Accepted, begun);
    }

    private static JsonElement? ConfigurationOf(AgentState agent, JsonElement? config, out string? error)
    {
        error = null;
        if (config is not null)
        {
            return config;
        }

        if (agent.Configuration.File is not { } file)
        {
            error = $"agent {agent.Id} has no config-file; name one in --agent, or send a configuration";
            return null;
        }

        try
        {
            return ConfigurationFile.Read(file);
        }
        catch (IOException e)
        {
            error = e.Message;
            return null;
        }
    }
}
