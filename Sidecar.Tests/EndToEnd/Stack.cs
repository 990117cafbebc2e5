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

    private readonly TempDirectory _directory = new();

    private Stack(OriginServer origin) => Origin = origin;

    public OriginServer Origin { get; }

    public ChildProcess Daemon { get; private set; } = null!;

    public NginxServer Nginx { get; private set; } = null!;

    public ChildProcess? Agent { get; private set; }

    public int Port => Nginx.Port;

    public static async Task<Stack> StartAsync(
        bool withAgent = true, string agentKeys = "", string[]? agentFlags = null, bool failOpenNginx = false, string locations = "", string http = "")
    {
        var stack = new Stack(await OriginServer.StartAsync());
        var directory = stack._directory;
        try
        {
            stack.Agent = withAgent ? await SidecarCommand.StartAgentAsync(directory.Socket("agent"), agentFlags ?? AgentFlags) : null;
            stack.Daemon = await SidecarCommand.StartDaemonAsync(
                "--agent", $"demo={directory.Socket("agent")}{agentKeys}",
                "--listen", $"http={directory.Socket("http")},proxy=nginx",
                "--listen", $"admin={directory.Socket("admin")}");
            if (withAgent)
            {
                await stack.Daemon.WaitForAsync("agent demo is reachable");
            }

            stack.Nginx = await NginxServer.StartAsync(directory.Socket("http"), stack.Origin.Port, failOpenNginx, locations, http);
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    public async Task RestartAgentAsync()
    {
        Agent = await SidecarCommand.StartAgentAsync(_directory.Socket("agent"), AgentFlags);
    }

    /// <summary>Sum of a metric over all series that carry these labels.</summary>
    public Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(_directory.Socket("admin"), name, labels);

    public async ValueTask DisposeAsync()
    {
        foreach (var one in (IAsyncDisposable?[])[Nginx, Daemon, Agent, Origin])
        {
            if (one is not null)
            {
                await one.DisposeAsync();
            }
        }

        _directory.Dispose();
    }
}
