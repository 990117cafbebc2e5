using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Inspection.Routing;

namespace Sidecar.Daemon.Inspection;

/// <summary>
/// What the daemon does with requests: routes with their agents and versions, and the limits, as of one change. Immutable.
/// </summary>
/// <remarks>An exchange keeps the model that it began with; whoever bounds something reads the newest.</remarks>
internal sealed record RuntimeModel
{
    /// <summary>The number of the change that made it; the first is 1.</summary>
    public long Generation { get; init; } = 1;

    /// <summary>What the operator wrote, with all limits.</summary>
    public ConfigurationSnapshot Configuration
    {
        get;
        init
        {
            field = value;
            MaxWholeBody = (int)Math.Clamp(
                value.Agents.Select(static agent => Math.Max(agent.Body.MaxRequestBytes, agent.Body.MaxResponseBytes)).Append(0).Max(),
                AgentSettings.MaxBody.Default, Defaults.MaxQuestionBody);
        }
    } = new();

    /// <summary>The routes.</summary>
    public required RouteTable Routes { get; init; }

    /// <summary>The agents in the order they were given.</summary>
    public IReadOnlyList<AgentState> Agents { get; init; } = [];

    /// <summary>
    /// Largest body that any agent takes whole, in bytes, within what may be asked about at once: nobody need take a larger one whole.
    /// </summary>
    public int MaxWholeBody { get; private init; } = (int)AgentSettings.MaxBody.Default;

    /// <summary>The agents that are enforced and cannot take exchanges now.</summary>
    public IReadOnlyList<string> MissingAgents() =>
        [.. Agents.Where(static agent => agent.Policy.Mode == AgentMode.Enforce && !agent.IsAvailable).Select(static agent => agent.Id)];
}

/// <summary>The newest model: one reference, read by everybody at any time, written by whoever publishes.</summary>
/// <param name="first">The model before anything is published.</param>
internal sealed class CurrentModel(RuntimeModel first)
{
    private volatile RuntimeModel _model = first;

    /// <summary>The newest model.</summary>
    public RuntimeModel Model => _model;

    /// <summary>From now on exchanges begin with this one.</summary>
    public void Publish(RuntimeModel model) => _model = model;
}
