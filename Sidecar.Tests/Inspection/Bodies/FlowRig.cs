using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Daemon.Pooling;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>An inspector over agents in memory, with a clock that stands still. At its end every byte must have been given back.</summary>
internal sealed class FlowRig : IAsyncDisposable
{
    private readonly List<ConnectionPool> _pools = [];
    private readonly List<Exchange> _exchanges = [];
    private readonly BackgroundCalls _background;

    private FlowRig(IReadOnlyList<BodyAgent> agents, long memory)
    {
        Agents = agents;
        Memory = new ByteBudget(memory, Clock);
        _background = new BackgroundCalls(Clock, NullLogger<BackgroundCalls>.Instance);
        var stages = agents.Select(agent => (IReadOnlyList<RouteAgent>)[Add(agent)]).ToList();
        Inspector = new Inspector(
            Models.Of([new RouteModel { Id = "r", Stages = stages }]), _background, new ExchangeIds(), Memory, Sums.Observers, Clock, Log);
    }

    /// <summary>The clock of all.</summary>
    public FakeTimeProvider Clock { get; } = new();

    /// <summary>What was counted.</summary>
    public MetricSums Sums { get; } = new();

    /// <summary>What was logged.</summary>
    public FakeLogger<Inspector> Log { get; } = new();

    /// <summary>The budget of all agents.</summary>
    public ByteBudget Memory { get; }

    /// <summary>The bytes held for agents that only watch.</summary>
    public ByteBudget Copies => _background.HeldCopies;

    /// <summary>The agents in route order.</summary>
    public IReadOnlyList<BodyAgent> Agents { get; }

    /// <summary>The inspector under test.</summary>
    public Inspector Inspector { get; }

    /// <summary>Agents one after the other on one route; connected when this returns.</summary>
    public static Task<FlowRig> StartAsync(params BodyAgent[] agents) => StartAsync(1L << 30, agents);

    /// <summary>With this much memory for all.</summary>
    public static async Task<FlowRig> StartAsync(long memory, params BodyAgent[] agents)
    {
        var rig = new FlowRig(agents, memory);
        rig._pools.ForEach(static pool => pool.Start());
        await Eventually.TrueAsync(() => rig._pools.TrueForAll(static pool => pool.IsAvailable), TimeSpan.FromSeconds(30), "all connections");
        return rig;
    }

    /// <summary>A deadline so far ahead.</summary>
    public long In(TimeSpan time) => Inspector.DeadlineIn(time);

    /// <summary>An exchange; ended with the rig if not before.</summary>
    public Exchange Begin()
    {
        var exchange = Inspector.Begin("l", null, "/", "POST");
        _exchanges.Add(exchange);
        return exchange;
    }

    /// <summary>Hands in a piece and takes what comes of it.</summary>
    public async Task<Step> PushAsync(
        Exchange exchange, byte[] bytes, BodyEnd end = BodyEnd.More, long? total = null, Direction direction = Direction.Request, long? deadline = null)
    {
        using var step = await Inspector.PushAsync(exchange, direction, new BodyPiece(bytes, end, total), deadline ?? In(TimeSpan.FromMinutes(1)));
        return new Step(step.Verdict, step.Release.ToArray(), step.IsUnchanged, step.Progress);
    }

    /// <summary>Ends an exchange and says how an agent's part of the request is accounted.</summary>
    public (LedgerState State, Cause Cause) AccountOf(Exchange exchange, string agent)
    {
        Inspector.End(exchange);
        var entry = exchange.Stages.SelectMany(static stage => stage).Single(participant => participant.Agent == agent).Of(Direction.Request);
        return (entry.State, entry.Cause);
    }

    /// <summary>The bytes an agent has seen and missed, of bodies that have ended.</summary>
    public (long Seen, long Missed) BytesOf(string agent)
    {
        long Sum(string fate) => Sums.Of("agent.body").Where(line => line.StartsWith($"{agent}|", StringComparison.Ordinal) && line.Contains($"|{fate}=", StringComparison.Ordinal))
            .Sum(static line => long.Parse(line[(line.LastIndexOf('=') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
        return (Sum("seen"), Sum("missed"));
    }

    public async ValueTask DisposeAsync()
    {
        _exchanges.ForEach(exchange => Inspector.End(exchange));
        await _background.DisposeAsync();
        foreach (var pool in _pools)
        {
            await pool.DisposeAsync();
        }

        Sums.Dispose();
        foreach (var (name, budget) in Agents.Select(static agent => (agent.Id, agent.Budget)).Append(("all", Memory)).Append(("copies", Copies)))
        {
            if (budget.Used != 0 || budget.Waiting != 0)
            {
                throw new InvalidOperationException($"{budget.Used} bytes of {name} were not given back, {budget.Waiting} wait");
            }
        }
    }

    private RouteAgent Add(BodyAgent agent)
    {
        var connection = agent.Connect();
        var settings = PoolTests.Settings(1) with { DrainTimeout = TimeSpan.Zero, HealthInterval = TimeSpan.FromDays(1) };
        var pool = new ConnectionPool(settings, new ScriptedDialer(_ => connection, Clock), new FillThenSpread(), new Random(1), Clock, new FakeLogger());
        _pools.Add(pool);
        agent.Budget = new ByteBudget(agent.Memory, Clock);
        return new RouteAgent(
            new AgentState(agent.Id, agent.Policy, new AgentVersion("1", pool), Clock, Sums.Metrics.Agents) { BodyMemory = agent.Budget }, agent.Policy);
    }
}

/// <summary>What came of a piece, its bytes copied.</summary>
internal sealed record Step(Verdict Verdict, byte[] Released, bool IsUnchanged, BodyProgress Progress);
