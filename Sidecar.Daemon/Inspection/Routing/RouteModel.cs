using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>Which exchanges go to which agents. Immutable.</summary>
internal sealed record RouteModel
{
    /// <summary>What becomes of requests that no route takes unless the operator says otherwise: they are refused.</summary>
    public static RouteModel Refusing { get; } = new() { Id = RouteOptions.UnmatchedId, Refuses = true };

    /// <summary>The route's id.</summary>
    public required string Id { get; init; }

    /// <summary>Which requests it takes.</summary>
    public RouteMatch Match { get; init; } = RouteMatch.Everything;

    /// <summary>Groups of agents: those of one group are asked at the same time, one group after the other.</summary>
    public IReadOnlyList<IReadOnlyList<RouteAgent>> Stages
    {
        get;
        init => (field, Plan) = (value, new RoutePlan(value));
    } = [];

    /// <summary>Who takes part in its exchanges, in what order.</summary>
    public RoutePlan Plan { get; private init; } = new([]);

    /// <summary>Whether what it takes is refused without asking anybody.</summary>
    public bool Refuses { get; init; }

    /// <summary>What happens when a front end cannot carry an operation that matters: true refuses the request.</summary>
    public bool RefusesUnapplied { get; init; } = true;

    /// <summary>What keeps the exchanges of one client's session on one connection of each agent; null for nothing.</summary>
    public StickyRule? Sticky { get; init; }
}

/// <summary>Conditions of a route; all that are given must hold.</summary>
internal sealed record RouteMatch
{
    /// <summary>No condition.</summary>
    public static RouteMatch Everything { get; } = new();

    /// <summary>Host names without port, lower-case; <c>*.example.org</c> takes every name below it; empty takes any.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>
    /// Prefix of the normalised path at a segment boundary, for example <c>/api</c> takes <c>/api</c> and <c>/api/x</c> but not
    /// <c>/apix</c>; null takes any.
    /// </summary>
    public string? PathPrefix { get; init; }

    /// <summary>The one path, normalised as the prefix is, with or without a slash at its end; null takes any.</summary>
    public string? ExactPath { get; init; }

    /// <summary>Whether the case of letters in the path makes no difference, for upstreams that see none.</summary>
    public bool IgnoresCase { get; init; }

    /// <summary>Methods as they stand in the request; empty takes any.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>Names of the listeners that the request may have come to; empty takes any.</summary>
    public IReadOnlyList<string> Listeners { get; init; } = [];
}

/// <summary>
/// Who takes part in the exchanges of a route, worked out once: every exchange has its participants in this order. Immutable.
/// </summary>
/// <remarks>First those whose answers are applied, in route order, then those that only watch, in route order.</remarks>
internal sealed class RoutePlan
{
    /// <summary>The plan of what no route took.</summary>
    public static readonly RoutePlan Nobody = new([]);

    // For each that is enforced the place after the last that is asked together with it.
    private readonly int[] _ends;
    private readonly RouteAgent[] _agents;
    private readonly PlanLine[] _lines;

    /// <summary>The plan of a route.</summary>
    /// <param name="stages">The route's groups of agents.</param>
    public RoutePlan(IReadOnlyList<IReadOnlyList<RouteAgent>> stages)
    {
        var all = stages.SelectMany(static (stage, number) => stage.Select(agent => (Agent: agent, Stage: number))).ToArray();
        RouteAgent[] enforced = [.. all.Where(static one => one.Agent.Policy.Mode == AgentMode.Enforce).Select(static one => one.Agent)];
        _agents = [.. enforced, .. all.Where(static one => one.Agent.Policy.Mode == AgentMode.Monitor).Select(static one => one.Agent)];
        _lines =
        [
            .. all.Select(one => new PlanLine(one.Agent, one.Stage, Array.FindIndex(_agents, other => ReferenceEquals(other, one.Agent)))),
        ];
        _ends = [.. enforced.Select(agent => 1 + Array.FindLastIndex(enforced, other => StageOf(other) == StageOf(agent)))];

        int StageOf(RouteAgent agent) => all.First(one => ReferenceEquals(one.Agent, agent)).Stage;
    }

    /// <summary>The agents in the order of an exchange's participants.</summary>
    public ReadOnlySpan<RouteAgent> Agents => _agents;

    /// <summary>How many of them are enforced.</summary>
    public int Enforced => _ends.Length;

    /// <summary>All agents of the route in route order, also those that are off here.</summary>
    public ReadOnlySpan<PlanLine> Lines => _lines;

    /// <summary>The place after the last agent that is asked together with the one at this place, which is enforced.</summary>
    public int EndOfStage(int place) => _ends[place];
}

/// <summary>An agent's line on a route.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Stage">Its stage on the route, from 0.</param>
/// <param name="Place">Its place among the participants; -1 where it takes no part.</param>
internal readonly record struct PlanLine(RouteAgent Agent, int Stage, int Place);

/// <summary>Finds the session that a request belongs to. Stateless; takes any input.</summary>
/// <param name="options">What names it.</param>
internal sealed class StickyRule(StickyOptions options)
{
    private readonly string _source = options.ToString();

    /// <summary>The session's key; null when the request shows none, which is no error: it is an exchange like any other.</summary>
    /// <param name="message">The request's headers.</param>
    /// <param name="sessionId">What the front end passed as the session's id.</param>
    public StickyKey? KeyOf(RequestHeadersEvent message, string? sessionId)
    {
        var value = options.Source switch
        {
            StickySource.Cookie => Cookie(message.Headers, options.Name),
            StickySource.Header => message.Headers.Get(options.Name),
            StickySource.ClientAddress => message.Metadata.ClientIp,
            _ => sessionId,
        };
        return string.IsNullOrEmpty(value) ? null : StickyKey.Of(_source, value);
    }

    // RFC 6265 §4.2.1, and one line per cookie as HTTP/2 may have it. The first of a name counts.
    private static string? Cookie(HeaderBlock headers, string name)
    {
        foreach (var line in headers.GetAll("cookie"))
        {
            foreach (var range in line.AsSpan().Split(';'))
            {
                var pair = line.AsSpan(range).Trim();
                var equals = pair.IndexOf('=');
                if (equals > 0 && pair[..equals].TrimEnd().SequenceEqual(name))
                {
                    return pair[(equals + 1)..].Trim().Trim('"').ToString();
                }
            }
        }

        return null;
    }
}
