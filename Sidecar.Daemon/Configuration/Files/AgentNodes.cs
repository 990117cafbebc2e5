using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Reads what a file says of agents: an id, and behind it where it is and its settings.</summary>
internal static class AgentNodes
{
    private const string Where = "unix:PATH, http://HOST:PORT, https://HOST:PORT, grpc-unix:PATH or reverse:";

    /// <summary>An agent; null, with errors, when it cannot be read.</summary>
    public static AgentOptions? Read(FileScope scope, MappingEntry entry)
    {
        var id = entry.Key.Text;
        var about = Subject.Agent(id);
        scope.Origins.Add(about, null, entry.Key.At);
        var keys = new KeyReader(scope, about, entry.Key.At, KeyTree.Of(SettingScopes.Agent));
        List<AgentEndpoint>? endpoints = null;
        if (entry.Value is MappingNode)
        {
            keys.Read(entry.Value, new Dictionary<string, Action<MappingEntry>>(StringComparer.Ordinal)
            {
                ["at"] = at => endpoints = Endpoints(scope, keys, at),
            });
        }

        if (endpoints is null)
        {
            keys.Error($"does not say where it is; write at: and {Where}");
            return null;
        }

        return AgentRules.Complete(keys, new() { Id = id, Endpoints = endpoints, Values = keys.Values.Followed(SettingScopes.Agent) });
    }

    private static List<AgentEndpoint> Endpoints(FileScope scope, KeyReader keys, MappingEntry entry)
    {
        var endpoints = new List<AgentEndpoint>();
        var written = 0;
        foreach (var text in scope.TextsOf(entry, Where))
        {
            written++;
            var endpoint = AgentEndpoint.Read(
                text.Text, problem => scope.Findings.Error(text.At, $"at: {problem}"), isConfiguration: true, scope.Directory);
            if (endpoint is not null)
            {
                endpoints.Add(endpoint);
            }
        }

        AgentRules.CheckEndpoints(keys, endpoints, written);
        return endpoints;
    }
}
