using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Hosting;

/// <summary>How long each step of the shutdown may take: what the host and the service manager must wait for is computed from the same numbers.</summary>
internal sealed class ShutdownTimes(ConfigurationSnapshot options)
{
    /// <summary>
    /// After the listeners are shut nothing new reaches the agents, so what is left is the news that exchanges are complete, 5 s; an agent that was
    /// given a drain timeout of its own has that.
    /// </summary>
    public static readonly TimeSpan AfterListeners = TimeSpan.FromSeconds(5);

    // So that an agent whose time is up is closed in order, with its calls cancelled, before the step is cut.
    private static readonly TimeSpan Closing = TimeSpan.FromSeconds(1);

    // For what is outside of the steps.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, TimeSpan> _own = options.Agents.Where(static agent => agent.Pool.DrainTimeout is not null)
        .ToDictionary(static agent => agent.Id, static agent => agent.Pool.DrainTimeout!.Value, StringComparer.Ordinal);

    /// <summary>For requests under way.</summary>
    public TimeSpan Listeners => options.DrainTimeout;

    /// <summary>For exchanges that await their response; the rest of <see cref="Listeners"/> is for closing in order when that was not enough.</summary>
    public TimeSpan Exchanges => Listeners - (Listeners > 2 * Closing ? Closing : Listeners / 2);

    /// <summary>For the calls of all agents, which drain at the same time.</summary>
    public TimeSpan Agents => options.Agents.Select(agent => DrainOf(agent.Id)).Append(TimeSpan.Zero).Max() + Closing;

    /// <summary>All of it. The unit's TimeoutStopSec is made of the defaults; for more the service manager is asked.</summary>
    public TimeSpan Total => ShutdownSequence.LimitOf(Steps(Nothing, Nothing, Nothing)) + Rest;

    /// <summary>What the unit says (TimeoutStopSec): above all of it, in full five seconds.</summary>
    public TimeSpan OfUnit => TimeSpan.FromSeconds(5 * (Math.Floor(Total.TotalSeconds / 5) + 1));

    /// <summary>The steps in the order in which they run, each with its time.</summary>
    /// <param name="listeners">Stops what proxies and agents connect to.</param>
    /// <param name="background">Ends what no request waits for.</param>
    /// <param name="agents">Closes the connections of all agents.</param>
    public IReadOnlyList<ShutdownStep> Steps(
        Func<CancellationToken, Task> listeners, Func<CancellationToken, Task> background, Func<CancellationToken, Task> agents) =>
    [
        new("listeners", Listeners, listeners), new("background calls", AfterListeners, background), new("agent connections", Agents, agents),
    ];

    /// <summary>For the calls of one agent.</summary>
    public TimeSpan DrainOf(string agent) => _own.GetValueOrDefault(agent, AfterListeners);

    private static Task Nothing(CancellationToken abort) => Task.CompletedTask;
}
