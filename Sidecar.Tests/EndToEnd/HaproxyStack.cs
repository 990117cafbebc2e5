using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Everything as in production: HAProxy and the daemon as processes of their own, an agent, and an upstream that tells what it saw.</summary>
internal sealed class HaproxyStack : IAsyncDisposable
{
    private readonly string[] _daemonFlags;
    private ChildProcess? _demo;
    private LambdaAgent? _agent;

    private HaproxyStack(string[] daemonFlags, TempDirectory directory, OriginServer origin)
    {
        (_daemonFlags, Files, Origin) = (daemonFlags, directory, origin);
    }

    public OriginServer Origin { get; }

    public TempDirectory Files { get; }

    public ChildProcess Daemon { get; private set; } = null!;

    public HaproxyServer Haproxy { get; private set; } = null!;

    public int Port => Haproxy.Port;

    /// <summary>Starts it all.</summary>
    /// <param name="agent">An agent in this process; null for the demo agent.</param>
    /// <param name="withAgent">Whether there is an agent at all.</param>
    /// <param name="agentKeys">Keys of <c>--agent</c>.</param>
    /// <param name="listenKeys">Keys of <c>--listen</c>.</param>
    /// <param name="file">The ready configuration.</param>
    /// <param name="withDaemon">Whether the daemon runs from the start.</param>
    /// <param name="patient">Whether HAProxy and the daemon wait for a minute instead of their 200 ms.</param>
    /// <param name="edit">What the test changes in HAProxy's configuration.</param>
    /// <param name="abstractName">Listen on an abstract name instead of a file.</param>
    /// <param name="daemonFlags">Further flags of the daemon.</param>
    public static async Task<HaproxyStack> StartAsync(
        LambdaAgent? agent = null, bool withAgent = true, string agentKeys = "", string listenKeys = "", string file = "haproxy.cfg", bool withDaemon = true,
        bool patient = true, Func<string, string>? edit = null, string? abstractName = null, params string[] daemonFlags)
    {
        var directory = new TempDirectory();
        var waits = patient ? ",budget=50s" : "";
        string[] flags =
        [
            "--agent", $"demo={directory.Socket("agent")}{(patient ? ",timeout=40s,body-timeout=40s,max-in-flight=1000" : "")}{agentKeys}",
            "--listen", $"spop={(abstractName is null ? directory.Socket("spop") : $"abns:{abstractName}")}{waits}{listenKeys}",
            "--listen", $"admin={directory.Socket("admin")}",
            .. daemonFlags,
        ];
        var stack = new HaproxyStack(flags, directory, await OriginServer.StartAsync()) { _agent = agent };
        try
        {
            if (agent is not null)
            {
                await agent.StartAsync(directory.Socket("agent"));
            }
            else if (withAgent)
            {
                stack._demo = await SidecarCommand.StartAgentAsync(directory.Socket("agent"), [.. Stack.AgentFlags, "--block-body", "evil words"]);
            }

            if (withDaemon)
            {
                await stack.StartDaemonAsync(waitForAgent: agent is not null || withAgent);
            }

            var server = abstractName is null ? $"unix@{directory.Socket("spop")}" : $"abns@{abstractName}";
            stack.Haproxy = await HaproxyServer.StartAsync(server, stack.Origin.Port, file, patient, edit);
            if (withDaemon)
            {
                await stack.WaitForDaemonAsync();
            }

            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    public async Task StartDaemonAsync(bool waitForAgent = true)
    {
        Daemon = await SidecarCommand.StartDaemonAsync(_daemonFlags);
        if (waitForAgent)
        {
            await Daemon.WaitForAsync("agent demo is reachable");
        }
    }

    /// <summary>Starts another daemon, with the same flags, that takes over from this one.</summary>
    /// <returns>The one it takes over from; the caller disposes of it.</returns>
    public async Task<ChildProcess> TakeOverAsync()
    {
        var old = Daemon;
        Daemon = await SidecarCommand.StartDaemonAsync([.. _daemonFlags, "--takeover", "--wait-for-agents"]);
        await Daemon.WaitForAsync("agent demo is reachable");
        return old;
    }

    /// <summary>Waits until HAProxy's check has found the daemon.</summary>
    public Task WaitForDaemonAsync() => Eventually.TrueAsync(
        async () => (await RawHttp.SendAsync(Port, "GET /ready HTTP/1.1")).Body != "inspection unavailable", TimeSpan.FromSeconds(60),
        "HAProxy finds the sidecar");

    /// <summary>Waits until a metric has a value: an exchange is accounted for after its answer has gone out.</summary>
    public Task MetricBecomesAsync(long value, string name, params string[] labels) => Eventually.TrueAsync(
        async () => await MetricAsync(name, labels) == value, TimeSpan.FromSeconds(60), $"{value} of {name} {string.Join(',', labels)}");

    /// <summary>Sum of a metric over all series that carry these labels.</summary>
    public Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(Files.Socket("admin"), name, labels);

    public async ValueTask DisposeAsync()
    {
        foreach (var one in (IAsyncDisposable?[])[Haproxy, Daemon, _demo, _agent, Origin])
        {
            if (one is not null)
            {
                await one.DisposeAsync();
            }
        }

        Files.Dispose();
    }
}
