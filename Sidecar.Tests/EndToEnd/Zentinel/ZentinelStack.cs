using System.Net;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Zentinel;

/// <summary>A Zentinel proxy, the daemon, a demo agent and an upstream that tells what it saw.</summary>
internal sealed class ZentinelStack : IAsyncDisposable
{
    private const int Clients = 16;

    private readonly TempDirectory _directory;
    private readonly ChildProcess _agent;
    private readonly string[] _arguments;
    private long _asked;

    private ZentinelStack(TempDirectory directory, OriginServer origin, ChildProcess agent, ChildProcess daemon, ZentinelProxy proxy, string[] arguments) =>
        (_directory, Origin, _agent, Daemon, Proxy, _arguments) = (directory, origin, agent, daemon, proxy, arguments);

    public OriginServer Origin { get; }

    public ChildProcess Daemon { get; private set; }

    public ZentinelProxy Proxy { get; }

    public static async Task<ZentinelStack> StartAsync(string bodyMode, string keys, string[] agentFlags, string[] daemonFlags)
    {
        var directory = new TempDirectory();
        var origin = await OriginServer.StartAsync();
        var agent = await SidecarCommand.StartAgentAsync(directory.Socket("agent"), agentFlags);
        string[] arguments =
        [
            "--agent", $"demo={directory.Socket("agent")}{keys}", "--listen", $"native={directory.Socket("native")}", "--listen",
            $"admin={directory.Socket("admin")}", .. daemonFlags,
        ];
        var daemon = await SidecarCommand.StartDaemonAsync(arguments);
        await daemon.WaitForAsync("agent demo is reachable");
        var stack = new ZentinelStack(
            directory, origin, agent, daemon, await ZentinelProxy.StartAsync(directory.Socket("native"), origin.Port, bodyMode), arguments);
        await Eventually.TrueAsync(
            async () => (await RawHttp.SendAsync(stack.Proxy.Port, "GET /ready HTTP/1.1")).Status == 200,
            TimeSpan.FromSeconds(90),
            "the proxy to ask the daemon");
        stack._asked = await stack.SumAsync("sidecar_exchanges_received_total");
        return stack;
    }

    /// <summary>Sum of a metric over all series that carry these labels.</summary>
    public Task<long> SumAsync(string name, params string[] labels) => AdminMetrics.SumAsync(_directory.Socket("admin"), name, labels);

    /// <summary>Waits until this many exchanges have ended besides those of the start, and none is open.</summary>
    public Task EndedAsync(long count) => Eventually.TrueAsync(
        async () => await SumAsync("sidecar_exchanges_total") >= _asked + count && await SumAsync("sidecar_exchanges_open") == 0,
        TimeSpan.FromSeconds(90), "the end of all exchanges");

    /// <summary>Sends requests from several clients at once: how many were let pass with the agent's mark, and the statuses of the others.</summary>
    public async Task<(int Marked, IReadOnlyList<HttpStatusCode> Others)> LoadAsync(int count)
    {
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Clients }) { Timeout = TimeSpan.FromMinutes(2) };
        var left = count;
        var marked = 0;
        var others = new List<HttpStatusCode>();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                using var answer = await client.GetAsync(new Uri($"http://127.0.0.1:{Proxy.Port}/load"));
                var text = await answer.Content.ReadAsStringAsync();
                if (answer.StatusCode == HttpStatusCode.OK && text.Contains("X-Seen", StringComparison.OrdinalIgnoreCase))
                {
                    Interlocked.Increment(ref marked);
                    continue;
                }

                lock (others)
                {
                    others.Add(answer.StatusCode);
                }
            }
        }));
        return (marked, others);
    }

    /// <summary>Kills the daemon as a crash would, and starts it again at once.</summary>
    public async Task RestartDaemonAsync()
    {
        await Daemon.KillAsync();
        Daemon = await SidecarCommand.StartDaemonAsync(_arguments);
    }

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        await Daemon.DisposeAsync();
        await _agent.DisposeAsync();
        await Origin.DisposeAsync();
        _directory.Dispose();
    }
}
