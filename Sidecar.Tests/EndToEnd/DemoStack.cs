using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Everything as in production, with any of the proxies: it, the daemon and a demo agent as processes of their own, and an upstream that tells what
/// it saw. Patient: a slow machine is no failure.
/// </summary>
internal sealed class DemoStack : IAsyncDisposable
{
    private readonly TempDirectory _files = new();
    private IAsyncDisposable? _proxy;
    private ChildProcess? _agent;
    private ChildProcess? _daemon;

    private DemoStack(OriginServer origin) => Origin = origin;

    /// <summary>The upstream.</summary>
    public OriginServer Origin { get; }

    /// <summary>Where the proxy listens, on loopback.</summary>
    public int Port { get; private set; }

    /// <summary>Starts everything; when it returns, requests are inspected.</summary>
    /// <param name="proxy">Which, with its ready configuration.</param>
    /// <param name="failsOpen">The configuration that lets requests pass while the daemon is away.</param>
    /// <param name="changes">What else is the test's own; null for nothing.</param>
    public static async Task<DemoStack> StartAsync(ProxySetup proxy, bool failsOpen, ProxyChanges? changes = null)
    {
        await proxy.RequireAsync();
        var stack = new DemoStack(await OriginServer.StartAsync());
        var files = stack._files;
        try
        {
            var events = proxy.ShowsBodies() ? "request_headers+request_body_chunk" : "request_headers";
            var listener = proxy.Listener(files, failsOpen);
            stack._agent = await SidecarCommand.StartAgentAsync(files.Socket("agent"), [.. Stack.AgentFlags, "--block-path", "fine=200", "--block-body", "evil words"]);
            stack._daemon = await SidecarCommand.StartDaemonAsync(
                "--agent", $"demo={files.Socket("agent")},timeout=20s,body-timeout=20s,events={events}",
                "--listen", $"{listener}{(listener.Contains("budget=", StringComparison.Ordinal) ? "" : ",budget=25s")}{NamedHeaders(proxy)}",
                "--listen", $"admin={files.Socket("admin")}");
            await stack._daemon.WaitForAsync("agent demo is reachable");
            (stack._proxy, stack.Port) = await proxy.StartAsync(files, stack.Origin.Port, failsOpen, changes);
            await Eventually.TrueAsync(
                async () =>
                {
                    // With a body, where one has to have come before requests without one are taken at their word.
                    await RawHttp.SendBodyAsync(stack.Port, $"{(proxy.ShowsBodies() ? "POST" : "GET")} /ready HTTP/1.1", proxy.ShowsBodies() ? "x" : "");
                    return await stack.MetricAsync("sidecar_exchanges_received_total") > 0;
                },
                TimeSpan.FromSeconds(60),
                "the proxy to find the daemon");
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sum of a metric over all series that carry these labels.</summary>
    public Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(_files.Socket("admin"), name, labels);

    public async ValueTask DisposeAsync()
    {
        foreach (var one in (IAsyncDisposable?[])[_proxy, _daemon, _agent, Origin])
        {
            if (one is not null)
            {
                await one.DisposeAsync();
            }
        }

        _files.Dispose();
    }

    // Which headers agents may change has to be said where the proxy needs a rule for each.
    private static string NamedHeaders(ProxySetup proxy) =>
        proxy == ProxySetup.HaproxyNoLua ? ",set-headers=X-User,edit-headers=X-Client-Secret,response-headers=X-Frame-Options" : "";
}
