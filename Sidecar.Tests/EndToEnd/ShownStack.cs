using System.Text;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// A real proxy between a client and an upstream that keeps what it is sent, byte for byte, the daemon as a process of its own, and an agent that
/// keeps what it was shown.
/// </summary>
/// <param name="supports">What the agent says that it takes.</param>
internal abstract class ShownStack(EventSet supports) : IAsyncDisposable
{
    public TempDirectory Files { get; } = new();

    public LambdaAgent Agent { get; } = new("demo") { Supports = supports };

    public RawOrigin Origin { get; } = new();

    public ChildProcess Daemon { get; private set; } = null!;

    /// <summary>Where the proxy listens, on loopback.</summary>
    public abstract int Port { get; }

    /// <summary>The proxy; null until it has started.</summary>
    protected abstract IAsyncDisposable? Proxy { get; }

    /// <summary>The last request that the agent was shown.</summary>
    public RequestHeadersEvent Shown() => Agent.Seen.OfType<RequestHeadersEvent>().Last();

    /// <summary>The body of the last request that the agent was shown, a char for each byte; null when it was shown none.</summary>
    public string? ShownBody()
    {
        var last = Shown().CorrelationId;
        var pieces = Agent.Seen.OfType<RequestBodyChunkEvent>().Where(piece => piece.CorrelationId == last).ToList();
        return pieces.Count == 0 ? null : string.Concat(pieces.Select(static piece => Encoding.Latin1.GetString(piece.Data.Span)));
    }

    /// <summary>What the daemon says that an operator has to mend.</summary>
    public async Task<string> StatusAsync()
    {
        await using var status = SidecarCommand.Start("status", "--admin", Files.Socket("admin"));
        await status.WaitForExitAsync();
        return status.Output;
    }

    /// <summary>How many exchanges have ended so.</summary>
    public Task<long> EndedAsync(string state, string cause) =>
        AdminMetrics.SumAsync(Files.Socket("admin"), "sidecar_exchanges_total", $"state=\"{state}\"", $"cause=\"{cause}\"");

    /// <summary>Waits until so many exchanges have ended so.</summary>
    public Task EndedAsync(string state, string cause, long count) =>
        Eventually.TrueAsync(async () => await EndedAsync(state, cause) == count, TimeSpan.FromMinutes(2), $"{count} exchanges {state} for {cause}");

    public async ValueTask DisposeAsync()
    {
        foreach (var one in (IAsyncDisposable?[])[Proxy, Daemon, Agent, Origin])
        {
            if (one is not null)
            {
                await one.DisposeAsync();
            }
        }

        Files.Dispose();
    }

    /// <summary>Starts the agent, the daemon and the proxy, patiently: a slow machine is no failure. When one does not start, none is left.</summary>
    /// <param name="stack">What has not started yet.</param>
    /// <param name="agentKeys">Further keys of the agent.</param>
    /// <param name="listener">What the daemon's <c>--listen</c> says for the proxy.</param>
    /// <param name="startProxy">Starts the proxy.</param>
    protected static async Task<TStack> StartAsync<TStack>(TStack stack, string agentKeys, string listener, Func<Task> startProxy)
        where TStack : ShownStack
    {
        try
        {
            await stack.Agent.StartAsync(stack.Files.Socket("agent"));
            stack.Daemon = await SidecarCommand.StartDaemonAsync(
                "--agent", $"demo={stack.Files.Socket("agent")},timeout=20s,body-timeout=20s{agentKeys}", "--listen", $"{listener},budget=25s",
                "--listen", $"admin={stack.Files.Socket("admin")}");
            await stack.Daemon.WaitForAsync("agent demo is reachable");
            await startProxy();
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }
}
