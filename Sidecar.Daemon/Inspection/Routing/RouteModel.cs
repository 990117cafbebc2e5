using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;

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

    /// <summary>Whether the case of letters in the path makes no difference, for upstreams that see none.</summary>
    public bool IgnoresCase { get; init; }

    /// <summary>Methods as they stand in the request; empty takes any.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];
}
