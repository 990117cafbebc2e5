using System.Net.Sockets;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc.Client;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Grpc.GrpcRig;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A daemon process with an envoy listener and one agent, and a channel to it.</summary>
internal sealed class EnvoyStack : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly LambdaAgent? _agent;
    private ForeignChannel? _streams;

    private EnvoyStack(LambdaAgent? agent) => _agent = agent;

    /// <summary>The daemon.</summary>
    public ChildProcess Daemon { get; private set; } = null!;

    /// <summary>An HTTP/2 connection to it.</summary>
    public GrpcChannel Channel { get; private set; } = null!;

    /// <summary>Starts it all.</summary>
    /// <param name="agent">The agent; null for none, though one is configured.</param>
    /// <param name="agentKeys">Further keys of <c>--agent</c>.</param>
    /// <param name="listenKeys">Further keys of <c>--listen</c>.</param>
    /// <param name="flags">Further flags of the daemon.</param>
    public static async Task<EnvoyStack> StartAsync(LambdaAgent? agent, string agentKeys = "", string listenKeys = "", params IEnumerable<string> flags)
    {
        var stack = new EnvoyStack(agent);
        if (agent is not null)
        {
            await agent.StartAsync(stack._directory.Socket("agent"));
        }

        stack.Daemon = await SidecarCommand.StartDaemonAsync(
        [
            "--agent", $"demo={stack._directory.Socket("agent")},body-mode=stream,max-body=none{agentKeys}",
            "--listen", $"envoy={stack._directory.Socket("envoy")}{listenKeys}",
            "--listen", $"admin={stack._directory.Socket("admin")}",
            .. flags,
        ]);
        if (agent is not null)
        {
            await stack.Daemon.WaitForAsync("agent demo is reachable");
        }

        stack.Channel = new GrpcChannel(
            new GrpcChannelOptions { EndPoint = new UnixDomainSocketEndPoint(stack._directory.Socket("envoy")), ConnectTimeout = Limit });
        stack._streams = new ForeignChannel(new UnixDomainSocketEndPoint(stack._directory.Socket("envoy")));
        return stack;
    }

    /// <summary>A stream of ext_proc.</summary>
    public EnvoyWire Open() => new(_streams!);

    /// <summary>Asks by ext_authz, without a time of Envoy's.</summary>
    public async Task<CheckResponse> CheckAsync(CheckRequest question)
    {
        var reply = await Channel.AskAsync(EnvoyServer.Check, question, CheckResponse.Parser, null, Soon());
        return reply.Message ?? throw new InvalidOperationException($"no answer: {reply.Status}");
    }

    /// <summary>Waits until no exchange is open, and tells how many ended like this.</summary>
    public async Task<long> EndedAsync(string state, string cause)
    {
        await Eventually.TrueAsync(
            async () => await AdminMetrics.SumAsync(_directory.Socket("admin"), "sidecar_exchanges_open") == 0, Limit, "the end of all exchanges");
        return await AdminMetrics.SumAsync(_directory.Socket("admin"), "sidecar_exchanges_total", $"state=\"{state}\"", $"cause=\"{cause}\"");
    }

    public async ValueTask DisposeAsync()
    {
        Channel?.Dispose();
        _streams?.Dispose();
        await Daemon.DisposeAsync();
        if (_agent is not null)
        {
            await _agent.DisposeAsync();
        }

        _directory.Dispose();
    }
}
