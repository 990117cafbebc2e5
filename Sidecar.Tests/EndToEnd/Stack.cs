using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Everything as in production: nginx, the daemon and a demo agent as processes of their own, and an upstream that tells what it saw.</summary>
internal sealed class Stack : IAsyncDisposable
{
    public static readonly string[] AgentFlags =
    [
        "--block-path", "attack", "--block-path", "teapot=418", "--block-path", "slow-down=429", "--block-page", "no entry for you",
        "--block-header", "user-agent:evil", "--redirect-path", "old-page=https://www.example.org/new",
        "--challenge-path", "members", "--set-header", "X-User: alice", "--remove-header", "X-Client-Secret", "--response-header", "X-Frame-Options: DENY",
    ];

    private readonly TempDirectory _directory;

    private Stack(TempDirectory directory, OriginServer origin, ChildProcess daemon, NginxServer nginx, ChildProcess? agent)
    {
        _directory = directory;
        Origin = origin;
        Daemon = daemon;
        Nginx = nginx;
        Agent = agent;
    }

    public OriginServer Origin { get; }

    public ChildProcess Daemon { get; }

    public NginxServer Nginx { get; }

    public ChildProcess? Agent { get; private set; }

    public int Port => Nginx.Port;

    public static async Task<Stack> StartAsync(
        bool withAgent = true, string agentKeys = "", string[]? agentFlags = null, bool failOpenNginx = false, string locations = "", string http = "")
    {
        var directory = new TempDirectory();
        var origin = await OriginServer.StartAsync();
        var agent = withAgent ? await SidecarCommand.StartAgentAsync(directory.Socket("agent"), agentFlags ?? AgentFlags) : null;
        var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={directory.Socket("agent")}{agentKeys}",
            "--listen", $"http={directory.Socket("http")},proxy=nginx",
            "--listen", $"admin={directory.Socket("admin")}");
        if (withAgent)
        {
            await daemon.WaitForAsync("agent demo is reachable");
        }

        var nginx = await NginxServer.StartAsync(directory.Socket("http"), origin.Port, failOpenNginx, locations, http);
        return new Stack(directory, origin, daemon, nginx, agent);
    }

    public async Task RestartAgentAsync()
    {
        Agent = await SidecarCommand.StartAgentAsync(_directory.Socket("agent"), AgentFlags);
    }

    /// <summary>Sum of a metric over all series that carry these labels.</summary>
    public Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(_directory.Socket("admin"), name, labels);

    public async ValueTask DisposeAsync()
    {
        await Nginx.DisposeAsync();
        await Daemon.DisposeAsync();
        if (Agent is not null)
        {
            await Agent.DisposeAsync();
        }

        await Origin.DisposeAsync();
        _directory.Dispose();
    }
}
