using System.Text.Json;
using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents.Config;

/// <summary>An agent whose connections a test plays, with a pusher and a clock that stands still.</summary>
internal sealed class PushRig : IDisposable
{
    private readonly MetricSums _sums = new();

    // The timers of the pools: a watch or a pause for each connection.
    private int _asleep;

    public PushRig(ConfigPushSettings? settings = null)
    {
        Settings = settings ?? new ConfigPushSettings();
        Pusher = new ConfigPusher(Settings, Clock, Log);
        Updates = new ConfigUpdates(Pusher, Settings, Clock, Log);
    }

    public ConfigPushSettings Settings { get; }

    public FakeTimeProvider Clock { get; } = new();

    public FakeLogger Log { get; } = new();

    public ConfigPusher Pusher { get; }

    public ConfigUpdates Updates { get; }

    public MetricSums Sums => _sums;

    /// <summary>Takes what the last agent says of itself.</summary>
    public IReportSink Reports { get; private set; } = null!;

    /// <summary>When set, the agent's configurations have to be tried on a connection of their own.</summary>
    public Func<ConfigurationValue, FakeConnection>? Trial { get; set; }

    /// <summary>A configuration.</summary>
    public static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);

    /// <summary>A connection to an agent that takes pushes.</summary>
    public static FakeConnection Able(string id) =>
        new(id) { Capabilities = new AgentCapabilities { Features = new AgentFeatures { ConfigPush = true } } };

    /// <summary>The configurations that a connection was sent.</summary>
    public static string[] Sent(FakeConnection connection) => [
        .. connection.Asked.OfType<ConfigureEvent>().Select(static message => message.Config.ToString()!)];

    /// <summary>An agent with these connections open.</summary>
    public async Task<AgentState> AgentAsync(string? configuration, params FakeConnection[] connections)
    {
        AgentState? agent = null;
        var observer = new AgentObserver(
            () => agent!, "1", null, new AgentReports(_sums.Metrics.Agents, "sidecar", new AgentReportLimits(), Clock), Pusher, Updates,
            new AgentCautions(Clock, Log));
        Reports = observer;
        var dialer = new ScriptedDialer(number => number <= connections.Length ? connections[number - 1] : null, Clock) { Trial = Trial };
        var settings = PoolTests.Settings(Math.Max(1, connections.Length)) with { DrainTimeout = TimeSpan.Zero };
        var pool = new ConnectionPool(settings, dialer, new FillThenSpread(), new Random(1), Clock, Log, observer);
        var policy = new AgentPolicy { HeaderTimeout = TimeSpan.FromSeconds(1), BodyTimeout = TimeSpan.FromSeconds(1) };
        agent = new AgentState("waf", policy, new VersionPlan(new AgentVersion("1", pool)), Clock, _sums.Metrics.Agents)
        {
            Configuration = new AgentConfiguration(configuration is null ? null : Json(configuration)),
        };
        foreach (var connection in connections)
        {
            // As its dialler would have done.
            agent.Configuration.NoteGiven(connection, agent.Configuration.Current);
        }

        _asleep += settings.Connections;
        pool.Start();
        await Eventually.TrueAsync(() => pool.Live.Count == connections.Length && Clock.ArmedTimers == _asleep, ScriptedAgent.Limit, "all connections and their watches");
        return agent;
    }

    /// <summary>Begins a push, which must be possible.</summary>
    public ConfigPush Push(AgentState agent, string configuration) =>
        Pusher.Start(agent, Json(configuration), out var error) ?? throw new InvalidOperationException(error);

    /// <summary>Waits for the end of a push, letting time pass while it waits: not while it is at work, which takes no time.</summary>
    public async Task<ConfigPushReading> EndedAsync(ConfigPush push)
    {
        while (!push.HasEnded)
        {
            await Eventually.TrueAsync(() => push.HasEnded || Clock.ArmedTimers > _asleep, ScriptedAgent.Limit, "a wait, or the end of the push");
            if (!push.HasEnded)
            {
                Clock.Advance(TimeSpan.FromMilliseconds(100));
            }
        }

        return push.Reading;
    }

    public void Dispose() => _sums.Dispose();
}
