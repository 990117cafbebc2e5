using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>A proxy in front of the daemon, and an upstream that writes down what it gets.</summary>
internal sealed class AttackStack : IAsyncDisposable
{
    private IAsyncDisposable? _proxy;

    private AttackStack(AttackDaemon daemon) => Daemon = daemon;

    /// <summary>The daemon with its agent.</summary>
    public AttackDaemon Daemon { get; }

    /// <summary>The upstream.</summary>
    public AttackOrigin Origin { get; } = new();

    /// <summary>Where the proxy listens.</summary>
    public int Port { get; private set; }

    /// <summary>Starts everything. Nothing has been asked yet, but for what waited until the proxy has found the daemon.</summary>
    public static async Task<AttackStack> StartAsync(AttackDoor door, bool failsOpen)
    {
        var stack = new AttackStack(await AttackDaemon.StartAsync(files => door.Listener(files)));
        try
        {
            (stack._proxy, stack.Port) = await door.StartAsync(stack.Daemon.Files, stack.Origin.Port, failsOpen);
            await Eventually.TrueAsync(
                async () =>
                {
                    await RawHttp.SendAsync(stack.Port, "GET /ready HTTP/1.1");
                    return stack.Daemon.Shown().Count > 0;
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
