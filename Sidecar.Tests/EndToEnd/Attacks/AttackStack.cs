using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>A proxy in front of the daemon, and an upstream that writes down what it gets.</summary>
internal sealed class AttackStack : IAsyncDisposable
{
    private IAsyncDisposable? _proxy;

    private AttackStack(AttackDaemon daemon, AttackOrigin origin) => (Daemon, Origin) = (daemon, origin);

    /// <summary>The daemon with its agent.</summary>
    public AttackDaemon Daemon { get; }

    /// <summary>The upstream.</summary>
    public AttackOrigin Origin { get; }

    /// <summary>Where the proxy listens.</summary>
    public int Port { get; private set; }

    /// <summary>Starts everything. Nothing has been asked yet, but for what waited until the proxy has found the daemon.</summary>
    /// <param name="proxy">Which, and its ready configuration.</param>
    /// <param name="failsOpen">The configuration that lets requests pass while the daemon is away.</param>
    /// <param name="agent">Another agent than the one that writes down what it is shown: where, and further keys of <c>--agent</c>.</param>
    /// <param name="answer">What the upstream answers; null for an empty 200.</param>
    /// <param name="changes">What is the test's own in the configuration.</param>
    public static async Task<AttackStack> StartAsync(
        ProxySetup proxy, bool failsOpen, string? agent = null, Func<WireMessage, byte[]>? answer = null, ProxyChanges? changes = null)
    {
        await proxy.RequireAsync();
        var stack = new AttackStack(await AttackDaemon.StartAsync(files => proxy.Listener(files), agent), new AttackOrigin(answer: answer));
        try
        {
            (stack._proxy, stack.Port) = await proxy.StartAsync(stack.Daemon.Files, stack.Origin.Port, failsOpen, changes);
            await Eventually.TrueAsync(
                async () =>
                {
                    // With a body, where one has to have come before requests without one are taken at their word.
                    await RawHttp.SendBodyAsync(stack.Port, $"{(proxy.ShowsBodies() ? "POST" : "GET")} /ready HTTP/1.1", proxy.ShowsBodies() ? "x" : "");
                    return (await stack.Daemon.LedgerAsync())["received"] > 0;
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

    public async ValueTask DisposeAsync()
    {
        if (_proxy is not null)
        {
            await _proxy.DisposeAsync();
        }

        await Daemon.DisposeAsync();
        await Origin.DisposeAsync();
    }
}
