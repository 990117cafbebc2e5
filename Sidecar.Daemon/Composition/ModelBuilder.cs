using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Routing;

namespace Sidecar.Daemon.Composition;

/// <summary>Makes models of configurations. Pure: it starts nothing and changes nothing.</summary>
internal static class ModelBuilder
{
    /// <summary>The model of a configuration.</summary>
    /// <param name="snapshot">What the operator wrote; validated.</param>
    /// <param name="generation">The model's number.</param>
    /// <param name="agents">Its agents.</param>
    public static RuntimeModel Build(ConfigurationSnapshot snapshot, long generation, IReadOnlyList<AgentChange> agents)
    {
        var byId = agents.ToDictionary(static agent => agent.Options.Id, StringComparer.Ordinal);
        IReadOnlyList<RouteModel> routes = snapshot.Routes.Count > 0
            ? [.. snapshot.Routes.Select(route => Build(route, byId))]
            : [new RouteModel { Id = "default", Stages = [[.. agents.Select(static agent => On(agent, null, Priority.Normal))]] }];
        var unmatched = snapshot.Unmatched switch { null => RouteModel.Refusing, { Stages: [] } => null, var route => Build(route, byId) };
        return new RuntimeModel
        {
            Generation = generation,
            Configuration = snapshot,
            Routes = new RouteTable(routes, unmatched),
            Agents = [.. agents.Select(static agent => agent.State)],
        };
    }

    /// <summary>The configuration without an agent: routes that name it go on without it.</summary>
    public static ConfigurationSnapshot Without(ConfigurationSnapshot snapshot, string agent)
    {
        RouteOptions Of(RouteOptions route) => route with
        {
            Stages = [.. route.Stages.Select(stage => (IReadOnlyList<RouteAgentOptions>)[.. stage.Where(named => named.Agent != agent)])],
        };
        return snapshot with
        {
            Agents = [.. snapshot.Agents.Where(other => other.Id != agent)],
            Routes = [.. snapshot.Routes.Select(Of)],
            Unmatched = snapshot.Unmatched is { } unmatched ? Of(unmatched) : null,
        };
    }

    /// <summary>What a change wants different that only a start can change.</summary>
    public static IEnumerable<string> FixedAtStart(ConfigurationSnapshot before, ConfigurationSnapshot next)
    {
        static string? Differs<T>(string name, T before, T next) =>
            EqualityComparer<T>.Default.Equals(before, next)
                ? null
                : $"{name} cannot change from {before?.ToString() ?? "none"} to {next?.ToString() ?? "none"} while the daemon runs; start "
                + "it again for that";

        return ((string?[])[
            Differs("the prefix of metrics", before.MetricsPrefix, next.MetricsPrefix),
            Differs("the reply key's file", before.ReplyKeyFile, next.ReplyKeyFile),
            Differs(
                "config-watch", DaemonSettings.ConfigWatch.Write(before.Get(DaemonSettings.ConfigWatch)),
                DaemonSettings.ConfigWatch.Write(next.Get(DaemonSettings.ConfigWatch))),
            Differs(
                "verbose", Formats.YesNo.Write(before.Get(DaemonSettings.Verbose)), Formats.YesNo.Write(next.Get(DaemonSettings.Verbose))),
        ]).OfType<string>();
    }

    private static RouteModel Build(RouteOptions route, Dictionary<string, AgentChange> agents) => new()
    {
        Id = route.Id,
        Match = new RouteMatch
        {
            Hosts = route.Hosts,
            PathPrefix = route.PathPrefix,
            ExactPath = route.ExactPath,
            IgnoresCase = route.IgnoresCase,
            Methods = route.Methods,
            Listeners = route.Listeners,
        },
        RefusesUnapplied = route.RefusesUnapplied,
        Sticky = route.Sticky is { } sticky ? new StickyRule(sticky) : null,
        Stages = [.. route.Stages.Select(stage => (RouteAgent[])[.. stage.Select(one => On(agents[one.Agent], one.Mode, route.Priority, route.OnFailure))])],
    };

    private static RouteAgent On(AgentChange agent, AgentMode? mode, Priority priority, FailureOptions? onFailure = null)
    {
        var policy = agent.Policy with { Mode = mode ?? agent.Policy.Mode, Priority = priority };
        if (onFailure is not null)
        {
            // What the agent says of pauses alone is one of its words, too.
            var flow = onFailure.Default is null && onFailure.Find(Cause.FlowControl.Label()) is null ? policy.FlowMode : FlowMode.AsFailureMode;
            policy = policy.With(onFailure.Over(policy.OnFailure), agent.Options.Body.OnExcess) with { FlowMode = flow };
        }

        return new(agent.State, policy, agent.Plan);
    }
}
