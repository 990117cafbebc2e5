using Microsoft.Extensions.Logging.Testing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>An agent's connection in memory with a peer that plays the proxy, and a clock that stands still.</summary>
internal sealed class AgentHarness : IAsyncDisposable
{
    private readonly WorkQueue _workers;

    public AgentHarness(IAgentHandler handler, Func<AgentServerOptions, AgentServerOptions>? change = null, long pauseThreshold = 0)
    {
        Pair = new DuplexPipePair(pauseThreshold: pauseThreshold);
        const int Workers = AgentConnectionOptions.MostWorkers;
        var options = new AgentServerOptions { Capabilities = Capabilities, SocketPath = "", Time = Time, Workers = Workers };
        options = change?.Invoke(options) ?? options;
        _workers = new WorkQueue(options, Logger);
        Connection = new AgentConnection("1", Pair.Near, handler, options, _workers, Logger);
        Peer = new AgentPeer(Pair.Far.Input, Pair.Far.Output);
        Running = Connection.RunAsync();
    }

    public static AgentCapabilities Capabilities { get; } = new()
    {
        AgentId = "agent-1",
        Name = "Agent",
        Version = "1.2",
        SupportedEvents = EventSet.All,
        Features = new AgentFeatures { HealthReporting = true },
        Limits = new AgentLimits { MaxConcurrency = 0 },
    };

    public FakeTimeProvider Time { get; } = new();

    public FakeLogger Logger { get; } = new();

    public DuplexPipePair Pair { get; }

    public AgentConnection Connection { get; }

    public AgentPeer Peer { get; }

    public Task Running { get; }

    public static async Task<AgentHarness> IntroducedAsync(
        IAgentHandler handler,
        Func<AgentServerOptions, AgentServerOptions>? change = null,
        long pauseThreshold = 0,
        string encoding = ProtocolConstants.MessagePack)
    {
        var harness = new AgentHarness(handler, change, pauseThreshold);
        await harness.Peer.IntroduceAsync(encoding);
        return harness;
    }

    /// <summary>Waits until no event is outstanding: an answer leaves before its event stops counting.</summary>
    public Task IdleAsync() => Eventually.TrueAsync(() => Connection.Outstanding == 0, Wire.Limit, "nothing is outstanding");

    /// <summary>Closes the peer's side and waits for the connection to end.</summary>
    public async ValueTask DisposeAsync()
    {
        Pair.CompleteFar();
        await Running.WaitAsync(Wire.Limit);
        _workers.Dispose();
    }
}
