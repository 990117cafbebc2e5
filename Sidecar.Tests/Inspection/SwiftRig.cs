using System.Threading.Tasks.Sources;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Diagnostics.Metrics;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Agents on one route, asked together, each on a connection of its own, that cost nothing: what is measured is the way to them.</summary>
internal sealed class SwiftRig : IAsyncDisposable
{
    private readonly List<ConnectionPool> _pools = [];

    public SidecarMetrics Metrics { get; } = new(new SilentMeters());

    public Inspector Inspector { get; private set; } = null!;

    public static async Task<SwiftRig> StartAsync(int agents, EventSet events)
    {
        var rig = new SwiftRig();
        var policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = events };
        var stage = new List<RouteAgent>();
        for (var i = 0; i < agents; i++)
        {
            var answer = new SwiftAnswer();
            var connection = new FakeConnection("c", maxInFlight: 100) { Unrecorded = answer.Begin };
            connection.Traits = connection.Traits with { MaxEventBytes = 64 * 1024 };
            var pool = new ConnectionPool(
                PoolTests.Settings(1), new ScriptedDialer(_ => connection, TimeProvider.System), new FillThenSpread(), new Random(1), TimeProvider.System,
                NullLogger.Instance);
            rig._pools.Add(pool);
            pool.Start();
            await Eventually.TrueAsync(() => pool.Live.Count == 1, TimeSpan.FromSeconds(30), "the connection");
            stage.Add(new RouteAgent(new AgentState($"a{i}", policy, new AgentVersion("1", pool), TimeProvider.System, rig.Metrics.Agents), policy));
        }

        rig.Inspector = new Inspector(
            Models.Of([new RouteModel { Id = "all", Stages = [stage] }]),
            new BackgroundCalls(TimeProvider.System, NullLogger<BackgroundCalls>.Instance),
            new ExchangeIds(),
            new ByteBudget(1024 * 1024, TimeProvider.System),
            new ExchangeObservers([new ExchangeMetrics(rig.Metrics)], TimeProvider.System, NullLogger<ExchangeObservers>.Instance),
            TimeProvider.System);
        return rig;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var pool in _pools)
        {
            await pool.DisposeAsync();
        }

        Metrics.Dispose();
    }
}

/// <summary>Allows, from the thread pool, one call at a time, at no cost.</summary>
internal sealed class SwiftAnswer : IValueTaskSource<CallResult>, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<CallResult> _core;

    public ValueTask<CallResult> Begin(AgentEvent message)
    {
        _core.Reset();
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return new ValueTask<CallResult>(this, _core.Version);
    }

    public void Execute() => _core.SetResult(CallResult.Answered(AgentResponse.Allow));

    public CallResult GetResult(short token) => _core.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
