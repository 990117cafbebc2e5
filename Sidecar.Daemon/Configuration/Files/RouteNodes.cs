using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Reads what a file says of routes, and of the requests that none takes.</summary>
internal static class RouteNodes
{
    private const string Any = "any";

    /// <summary>A route; null, with errors, when it cannot be read.</summary>
    public static RouteOptions? Read(FileScope scope, DocumentNode node)
    {
        if (node is not MappingNode mapping || mapping.Find("name") is not ScalarNode { IsMissing: false, Text: { Length: > 0 } id })
        {
            scope.Findings.Error(
                node.At, "a route has a name: write - {name: NAME, match: any, inspect: [AGENT]}, or each key in a line of its own");
            return null;
        }

        var about = Subject.Route(id);
        scope.Origins.Add(about, null, mapping.At);
        var keys = new KeyReader(scope, about, mapping.At, KeyTree.Of(SettingScopes.Route));
        IReadOnlyList<IReadOnlyList<RouteAgentOptions>>? stages = null;
        keys.Read(mapping, new Dictionary<string, Action<MappingEntry>>(StringComparer.Ordinal)
        {
            ["name"] = static _ => { },
            ["match"] = entry => ReadMatch(scope, keys, entry),
            ["inspect"] = entry =>
            {
                keys.Note(RouteSettings.Agents, entry.Value.At);
                stages = StageReader.Read(scope, entry, canBeNone: true);
            },
        });
        if (mapping.Find("match") is null)
        {
            keys.Error("does not say which requests it takes; write match: any, or match: {host: …, path_prefix: …, method: …}");
        }

        if (mapping.Find("inspect") is null)
        {
            keys.Error("does not say whom it asks; write inspect: [AGENT, AGENT], or inspect: none where its requests are to pass without "
                + "being shown to anybody");
        }

        return stages is null ? null : new() { Id = id, Values = keys.Values.With(RouteSettings.Agents, stages) };
    }

    /// <summary>What becomes of requests that no route takes; what was there before, with an error, when it cannot be read.</summary>
    public static SettingValues ReadUnmatched(FileScope scope, MappingEntry entry, SettingValues values)
    {
        scope.Origins.Add(Subject.Unmatched, null, entry.Value.At);
        scope.Origins.Add(Subject.Daemon, DaemonSettings.Unmatched, entry.Value.At);
        switch (entry.Value)
        {
            case ScalarNode { Text: "refuse" or "pass" } word:
                return DaemonSettings.Unmatched.Read(word.Text, values, _ => { });
            case MappingNode { Entries: [{ Key.Text: "inspect" } inspect] }:
                return StageReader.Read(scope, inspect, canBeNone: false) is { } stages
                    ? values.With(DaemonSettings.Unmatched, new RouteOptions { Id = RouteOptions.UnmatchedId, Stages = stages })
                    : values;
            default:
                scope.Findings.Error(
                    entry.Value.At,
                    "unmatched: write refuse, pass, or inspect: with the agents that requests are shown to which no route takes");
                return values;
        }
    }

    private static void ReadMatch(FileScope scope, KeyReader keys, MappingEntry entry)
    {
        if (entry.Value is MappingNode { Entries.Count: > 0 })
        {
            keys.Read(entry);
        }
        else if (entry.Value is not ScalarNode { Text: Any })
        {
            scope.Findings.Error(
                entry.Value.At,
                $"match: here stands {(entry.Value is MappingNode ? "no condition" : entry.Value.What)}; write match: {Any}, or "
                + "{host: …, path_prefix: …, method: …}");
        }
    }
}
