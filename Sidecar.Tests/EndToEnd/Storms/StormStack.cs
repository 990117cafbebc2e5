using System.Collections.Concurrent;
using Sidecar.Tests.EndToEnd.Attacks;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Storms;

/// <summary>
/// A proxy, the daemon and an agent as processes of their own, of which the latter two can be killed and started again, and an upstream that counts.
/// </summary>
/// <remarks>The agent tags what it inspected with a header, so that the upstream knows of each request whether it was seen, marked, or neither.</remarks>
internal sealed class StormStack : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly TempDirectory _files = new();
    private readonly AttackOrigin _origin;
    private readonly string[] _daemonFlags;
    private ChildProcess? _agent;
    private ChildProcess? _daemon;
    private IAsyncDisposable? _proxy;
    private long _tagged;
    private long _marked;

    private StormStack(ProxySetup proxy, bool failsOpen)
    {
        _origin = new AttackOrigin(Count);
        var events = proxy.ShowsBodies() ? "request_headers+request_body_chunk" : "request_headers";
        _daemonFlags =
        [
            "--agent", $"demo={_files.Socket("agent")},events={events},failure-mode={(failsOpen ? "open" : "closed")}",
            "--listen", proxy.Listener(_files, failsOpen), "--listen", $"admin={_files.Socket("admin")}",
        ];
    }

    /// <summary>Where the proxy listens.</summary>
    public int Port { get; private set; }

    /// <summary>Requests at the upstream that an agent saw.</summary>
    public long Tagged => Interlocked.Read(ref _tagged);

    /// <summary>Requests at the upstream that say that no agent saw all of them.</summary>
    public long Marked => Interlocked.Read(ref _marked);

    /// <summary>Requests at the upstream that nobody saw and nobody marked: what must not be.</summary>
    public ConcurrentQueue<string> Neither { get; } = new();

    /// <summary>Starts everything; when it returns, requests are inspected.</summary>
    public static async Task<StormStack> StartAsync(ProxySetup proxy, bool failsOpen)
    {
        await proxy.RequireAsync();
        var stack = new StormStack(proxy, failsOpen);
        try
        {
            await stack.StartAgentAsync();
            await stack.StartDaemonAsync();
            (stack._proxy, stack.Port) = await proxy.StartAsync(stack._files, stack._origin.Port, failsOpen);
            await Eventually.TrueAsync(
                async () =>
                {
                    await RawHttp.SendBodyAsync(stack.Port, $"{(proxy.ShowsBodies() ? "POST" : "GET")} /ready HTTP/1.1", proxy.ShowsBodies() ? "x" : "");
                    return stack.Tagged > 0;
                },
                Limit,
                "the proxy to find the daemon");
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>kill -9 of the agent, and a new one as soon as its absence was felt.</summary>
    /// <param name="isFelt">Completes when it was.</param>
    public async Task KillAgentAsync(Func<Task> isFelt)
    {
        await _agent!.KillAsync();
        await _agent.DisposeAsync();
        await isFelt();
        await StartAgentAsync();
    }

    /// <summary>kill -9 of the daemon, and a new one as soon as its absence was felt.</summary>
    /// <param name="isFelt">Completes when it was.</param>
    public async Task KillDaemonAsync(Func<Task> isFelt)
    {
        await _daemon!.KillAsync();
        await _daemon.DisposeAsync();
        await isFelt();
        await StartDaemonAsync();
    }

    /// <summary>Waits until every exchange that the daemon received has ended; how many did so in a state.</summary>
    /// <param name="states">The states; none for all.</param>
    public async Task<long> EndedAsync(params string[] states)
    {
        await Eventually.TrueAsync(
            async () => await MetricAsync("sidecar_exchanges_received_total") == await MetricAsync("sidecar_exchanges_total"), Limit,
            "each received exchange to be accounted once");
        var sum = states.Length == 0 ? await MetricAsync("sidecar_exchanges_total") : 0;
        foreach (var state in states)
        {
            sum += await MetricAsync("sidecar_exchanges_total", $"state=\"{state}\"");
        }

        return sum;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in (IAsyncDisposable?[])[_proxy, _daemon, _agent, _origin])
        {
            if (one is not null)
            {
                await one.DisposeAsync();
            }
        }

        _files.Dispose();
    }

    private async Task StartAgentAsync() => _agent = await SidecarCommand.StartAgentAsync(
        _files.Socket("agent"), "--set-header", "X-User: alice", "--block-path", "attack");

    private async Task StartDaemonAsync()
    {
        _daemon = await SidecarCommand.StartDaemonAsync(_daemonFlags);
        await _daemon.WaitForAsync("agent demo is reachable");
    }

    private Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(_files.Socket("admin"), name, labels);

    private void Count(WireMessage request)
    {
        if (AttackComparison.IsMarked(request))
        {
            Interlocked.Increment(ref _marked);
        }
        else if (request.Values("x-user").Contains("alice", StringComparer.Ordinal))
        {
            Interlocked.Increment(ref _tagged);
        }
        else
        {
            Neither.Enqueue($"{request.Method} {request.Target}");
        }
    }
}
