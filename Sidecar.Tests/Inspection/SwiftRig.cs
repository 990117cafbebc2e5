using System.Threading.Tasks.Sources;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Agents on one route, asked together, each on a connection of its own, that cost nothing: what is measured is the way to them.</summary>
internal sealed class SwiftRig : IAsyncDisposable
{
    private readonly PlayedDaemon _daemon;

    private SwiftRig(int agents, EventSet events, Func<AgentEvent, ValueTask<CallResult>>? answer)
    {
        var policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Events = events };
        _daemon = new PlayedDaemon(
            new SilentMeters(), TimeProvider.System, [[.. Enumerable.Range(0, agents).Select(i => new PlayedAgent($"a{i}", policy, _ => Connect(answer)))]]);
    }

    public Inspector Inspector => _daemon.Inspector;

    public static async Task<SwiftRig> StartAsync(int agents, EventSet events, Func<AgentEvent, ValueTask<CallResult>>? answer = null)
    {
        var rig = new SwiftRig(agents, events, answer);
        await rig._daemon.ConnectAsync();
        return rig;
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    private static FakeConnection Connect(Func<AgentEvent, ValueTask<CallResult>>? answer)
    {
        var connection = new FakeConnection("c", maxInFlight: 100) { Unrecorded = answer ?? new SwiftAnswer().Begin };
        connection.Traits = connection.Traits with { MaxEventBytes = 64 * 1024 };
        return connection;
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
