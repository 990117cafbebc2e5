using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Everything as in production: Caddy, the daemon and a demo agent as processes of their own, and an upstream that tells what it saw. Patient: a slow
/// machine is no failure.
/// </summary>
internal sealed class CaddyStack : IAsyncDisposable
{
    private readonly TempDirectory _directory;
    private readonly ChildProcess? _agent;

    private CaddyStack(TempDirectory directory, OriginServer origin, ChildProcess daemon, CaddyServer caddy, ChildProcess? agent)
    {
        _directory = directory;
        _agent = agent;
        Origin = origin;
        Daemon = daemon;
        Caddy = caddy;
    }

    public OriginServer Origin { get; }

    public ChildProcess Daemon { get; }

    public CaddyServer Caddy { get; }

    public int Port => Caddy.Port;

    /// <summary>Starts everything.</summary>
    /// <param name="setup">Caddy's configuration.</param>
    /// <param name="withAgent">Without it, the agent is configured and absent.</param>
    /// <param name="agentKeys">Further keys of the daemon's <c>--agent</c>.</param>
    public static async Task<CaddyStack> StartAsync(CaddySetup setup = CaddySetup.Ready, bool withAgent = true, string agentKeys = "")
    {
        var directory = new TempDirectory();
        var origin = await OriginServer.StartAsync();
        var agent = withAgent ? await SidecarCommand.StartAgentAsync(directory.Socket("agent"), [.. Stack.AgentFlags, "--block-path", "fine=200"]) : null;
        var daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={directory.Socket("agent")},timeout=20s{agentKeys}",
            "--listen", $"http={directory.Socket("http")},proxy=caddy,budget=25s",
            "--listen", $"admin={directory.Socket("admin")}");
        if (withAgent)
        {
            await daemon.WaitForAsync("agent demo is reachable");
        }

        return new CaddyStack(directory, origin, daemon, await CaddyServer.StartAsync(directory.Socket("http"), origin.Port, setup), agent);
    }

    /// <summary>Sum of a metric over all series that carry these labels.</summary>
    public Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(_directory.Socket("admin"), name, labels);

    public async ValueTask DisposeAsync()
    {
        await Caddy.DisposeAsync();
        await Daemon.DisposeAsync();
        if (_agent is not null)
        {
            await _agent.DisposeAsync();
        }

        await Origin.DisposeAsync();
        _directory.Dispose();
    }
}
