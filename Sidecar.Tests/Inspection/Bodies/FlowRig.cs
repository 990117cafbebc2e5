using System.Buffers;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>An inspector over agents in memory, with a clock that stands still. At its end every byte must have been given back.</summary>
internal sealed class FlowRig : IAsyncDisposable
{
    private readonly List<Exchange> _exchanges = [];
    private readonly PlayedDaemon _daemon;

    private FlowRig(IReadOnlyList<BodyAgent> agents, long memory)
    {
        Agents = agents;
        var stages = agents.Select(static agent => new[] { new PlayedAgent(agent.Id, agent.Policy, _ => agent.Connect()) { BodyMemory = agent.Memory } });
        _daemon = new PlayedDaemon(Sums.Factory, Clock, [.. stages], loggers: Logs, bodyMemory: memory);
        foreach (var (agent, state) in agents.Zip(_daemon.Agents))
        {
            agent.Budget = state.BodyMemory;
        }
    }

    /// <summary>The clock of all.</summary>
    public FakeTimeProvider Clock { get; } = new();

    /// <summary>What was counted.</summary>
    public MetricSums Sums { get; } = new();

    /// <summary>What was logged.</summary>
    public FakeLoggers Logs { get; } = new();

    /// <summary>The budget of all agents.</summary>
    public ByteBudget Memory => Inspector.BodyMemory;

    /// <summary>The bytes held for agents that only watch.</summary>
    public ByteBudget Copies => _daemon.Background.HeldCopies;

    /// <summary>The agents in route order.</summary>
    public IReadOnlyList<BodyAgent> Agents { get; }

    /// <summary>The inspector under test.</summary>
    public Inspector Inspector => _daemon.Inspector;

    /// <summary>Agents one after the other on one route; connected when this returns.</summary>
    public static Task<FlowRig> StartAsync(params BodyAgent[] agents) => StartAsync(1L << 30, agents);

    /// <summary>With this much memory for all.</summary>
    public static async Task<FlowRig> StartAsync(long memory, params BodyAgent[] agents)
    {
        var rig = new FlowRig(agents, memory);
        await rig._daemon.ConnectAsync();
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
        var entry = exchange.Enforced.ToArray().Single(participant => participant.Agent == agent).Of(Direction.Request);
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
        await _daemon.DisposeAsync();
        Sums.Dispose();
        foreach (var (name, budget) in Agents.Select(static agent => (agent.Id, agent.Budget)).Append(("all", Memory)).Append(("copies", Copies)))
        {
            if (budget.Used != 0 || budget.Waiting != 0)
            {
                throw new InvalidOperationException($"{budget.Used} bytes of {name} were not given back, {budget.Waiting} wait");
            }
        }
    }
}

/// <summary>What came of a piece, its bytes copied.</summary>
internal sealed record Step(Verdict Verdict, byte[] Released, bool IsUnchanged, BodyProgress Progress);
