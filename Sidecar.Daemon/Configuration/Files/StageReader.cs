using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>
/// Reads whom a route asks: <c>none</c>, or agents in order, where those in an inner list are asked together and <c>{id: mode}</c> sets how
/// one takes part.
/// </summary>
internal static class StageReader
{
    private const string Help = "write none, or a list of agents: [auth, [waf, bot], {guard: monitor}]";

    /// <summary>The stages; null, with an error, when they cannot be read.</summary>
    /// <param name="scope">The file.</param>
    /// <param name="entry">The key and what stands behind it.</param>
    /// <param name="canBeNone">Whether nobody may be asked.</param>
    public static IReadOnlyList<IReadOnlyList<RouteAgentOptions>>? Read(FileScope scope, MappingEntry entry, bool canBeNone)
    {
        switch (entry.Value)
        {
            case ScalarNode { Text: RouteOptions.NoAgents } when canBeNone:
                return [];
            case SequenceNode { Items.Count: > 0 } list:
                var stages = list.Items.Select(item => ReadStage(scope, item)).ToList();
                return stages.Contains(null) ? null : [.. stages.OfType<IReadOnlyList<RouteAgentOptions>>()];
            case ScalarNode { IsMissing: false, Text.Length: > 0 } or MappingNode:
                return ReadStage(scope, entry.Value) is { } only ? [only] : null;
            default:
                var what = entry.Value is SequenceNode ? "an empty list" : entry.Value.What;
                scope.Findings.Error(entry.Value.At, $"{entry.Key.Text}: here stands {what}; {Help}");
                return null;
        }
    }

    private static IReadOnlyList<RouteAgentOptions>? ReadStage(FileScope scope, DocumentNode node)
    {
        if (node is not SequenceNode list)
        {
            return ReadAgent(scope, node) is { } one ? [one] : null;
        }

        if (list.Items.Count == 0)
        {
            scope.Findings.Error(node.At, $"inspect: an empty list asks nobody; {Help}");
            return null;
        }

        var agents = list.Items.Select(item => ReadAgent(scope, item)).ToList();
        return agents.Contains(null) ? null : [.. agents.OfType<RouteAgentOptions>()];
    }

    private static RouteAgentOptions? ReadAgent(FileScope scope, DocumentNode node)
    {
        switch (node)
        {
            case ScalarNode { IsMissing: false, Text: { Length: > 0 } id }:
                return new(id, null);
            case MappingNode { Entries: [var named] }:
                var mode = AgentMode.Enforce;
                var written = named.Value is MappingNode { Entries: [{ Key.Text: "mode" } only] } ? only.Value : named.Value;
                if (written is not ScalarNode { IsMissing: false } text)
                {
                    scope.Findings.Error(written.At, $"inspect: here stands {written.What}; write {{{named.Key.Text}: monitor}}");
                    return null;
                }

                var isRead = RouteFormats.Modes.TryRead(
                    text.Text, problem => scope.Findings.Error(text.At, $"inspect: mode {problem}"), out mode);
                return isRead ? new(named.Key.Text, mode) : null;
            default:
                scope.Findings.Error(node.At, $"inspect: here stands {node.What}; write an agent's name, or {{NAME: monitor}}");
                return null;
        }
    }
}
