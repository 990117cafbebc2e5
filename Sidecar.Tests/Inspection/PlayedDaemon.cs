using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Everything of a daemon behind its front ends, over agents in memory on one route <c>r</c> that takes everything.</summary>
internal sealed class PlayedDaemon : IAsyncDisposable
{
    private readonly List<PlayedAgent> _agents;
    private readonly Daemon.Composition.Daemon _daemon;

    /// <summary>Composes it; agents are not connected before <see cref="ConnectAsync"/>.</summary>
    /// <param name="meters">Where it counts.</param>
    /// <param name="time">The clock of all.</param>
    /// <param name="stages">The agents in route order, those of a stage asked together.</param>
    /// <param name="observer">Learns of exchanges.</param>
    /// <param name="loggers">The logs.</param>
    /// <param name="bodyMemory">The bytes of bodies that may be held for all agents.</param>
    public PlayedDaemon(
        IMeterFactory meters,
        TimeProvider time,
        IReadOnlyList<IReadOnlyList<PlayedAgent>> stages,
        IExchangeObserver? observer = null,
        ILoggerFactory? loggers = null,
        long bodyMemory = 1 << 20)
    {
        _agents = [.. stages.SelectMany(static stage => stage)];
        var dialers = _agents.ToDictionary(static agent => agent.Id, agent => new ScriptedDialer(agent.Dial, time));
        _daemon = new DaemonBuilder
        {
            Configuration = new ConfigurationSnapshot
            {
                Agents = [.. _agents.Select(Written)],
                Routes = [new RouteOptions { Id = "r", Stages = [.. stages.Select(On)] }],
                BodyMemory = bodyMemory,
            },
            Meters = meters,
            Loggers = loggers ?? NullLoggerFactory.Instance,
            Time = time,
            Dial = (_, _, agent) => dialers[agent.Id],
            Observers = observer is null ? [] : [observer],
        }.Build();
    }

    /// <summary>What front ends ask.</summary>
    public Inspector Inspector => _daemon.Inspector;

    /// <summary>What no request waits for.</summary>
    public BackgroundCalls Background => _daemon.Background;

    /// <summary>The agents in route order.</summary>
    public IReadOnlyList<AgentState> Agents => _daemon.Current.Model.Agents;

    /// <summary>Waits for all connections.</summary>
    public Task ConnectAsync()
    {
        _daemon.Publisher.StartAgents();
        return Eventually.TrueAsync(
            () => Agents.Zip(_agents).All(static pair => pair.First.Connections.Count() == pair.Second.Connections), TimeSpan.FromSeconds(30), "all connections");
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.AbortAsync();
        _daemon.Dispose();
        _daemon.Metrics.Dispose();
    }

    private static List<RouteAgentOptions> On(IReadOnlyList<PlayedAgent> stage) => [.. stage.Select(static agent => new RouteAgentOptions(agent.Id, null))];

    // Nothing happens to a connection for the sake of time alone.
    private static AgentOptions Written(PlayedAgent agent)
    {
        var pool = Snapshots.Quick.With(CallSettings.HealthInterval, TimeSpan.FromDays(1))
            .With(CallSettings.Connections, agent.Connections).With(AgentSettings.BodyMemory, agent.BodyMemory);
        var options = Snapshots.Agent(agent.Id, agent.Id, agent.Policy, pool);
        return options with { Versions = [new VersionOptions(agent.Version, options.Endpoints, 1)] };
    }
}

/// <summary>An agent that a test plays.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Policy">How it takes part.</param>
/// <param name="Dial">Its connections, by the number of the dial from 1; null where nobody answers.</param>
internal sealed record PlayedAgent(string Id, AgentPolicy Policy, Func<int, FakeConnection?> Dial)
{
    /// <summary>How many connections it gets.</summary>
    public int Connections { get; init; } = 1;

    /// <summary>The name of its one version.</summary>
    public string Version { get; init; } = "1";

    /// <summary>The bytes of bodies that may be held for it.</summary>
    public long BodyMemory { get; init; } = AgentSettings.BodyMemory.Default;
}
