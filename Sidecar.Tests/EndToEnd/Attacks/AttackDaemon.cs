using System.Text;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>The daemon as a process of its own, and an agent that writes down what it is shown and allows it, where it is not given another.</summary>
internal sealed class AttackDaemon : IAsyncDisposable
{
    private readonly LambdaAgent _agent = new("demo") { Supports = EventSet.RequestHeaders | EventSet.RequestBodyChunk };
    private ChildProcess? _process;

    private AttackDaemon()
    {
    }

    /// <summary>Where its sockets are.</summary>
    public TempDirectory Files { get; } = new();

    /// <summary>Starts both.</summary>
    /// <param name="listener">What <c>--listen</c> says, given where its socket is.</param>
    /// <param name="agent">Another agent that already runs: where, and further keys of <c>--agent</c>.</param>
    public static async Task<AttackDaemon> StartAsync(Func<TempDirectory, string> listener, string? agent = null)
    {
        var daemon = new AttackDaemon();
        try
        {
            await daemon._agent.StartAsync(daemon.Files.Socket("agent"));
            daemon._process = await SidecarCommand.StartDaemonAsync(
                "--agent", $"demo={agent ?? daemon.Files.Socket("agent")}", "--listen", listener(daemon.Files), "--listen", $"admin={daemon.Files.Socket("admin")}");
            await daemon._process.WaitForAsync("agent demo is reachable");
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the agent was shown of each request, the parts of its body joined.</summary>
    public IReadOnlyList<WireMessage> Shown() =>
    [
        // A request withdrawn on its way to the agent reaches no handler; that the exchange is over does.
        .. _agent.Seen.GroupBy(static message => message.CorrelationId).Where(static events => events.Any(static one => one is not RequestCompleteEvent))
        .Select(static events =>
        {
            var head = events.OfType<RequestHeadersEvent>().Single();
            var parts = events.OfType<RequestBodyChunkEvent>().ToList();
            var headers = Enumerable.Range(0, head.Headers.Count).Select(
                i => (Encoding.UTF8.GetString(head.Headers.Name(i)), Encoding.UTF8.GetString(head.Headers.Value(i))));
            return new WireMessage(
                head.Method, head.Uri, [.. headers], [.. parts.SelectMany(static part => part.Data.ToArray())], parts.Count == 0 || parts[^1].IsLast);
        }),
    ];

    /// <summary>Waits until every exchange that was received has ended; how many ended in each state, and <c>received</c>.</summary>
    public async Task<IReadOnlyDictionary<string, long>> LedgerAsync()
    {
        var received = 0L;
        await Eventually.TrueAsync(
            async () => (received = await MetricAsync("sidecar_exchanges_received_total")) == await MetricAsync("sidecar_exchanges_total"), TimeSpan.FromMinutes(2), "the end of all exchanges");
        var ledger = new Dictionary<string, long>(StringComparer.Ordinal) { ["received"] = received };
        foreach (var state in (string[])["inspected", "abandoned", "refused", "partly", "bypassed", "not-subject"])
        {
            ledger[state] = await MetricAsync("sidecar_exchanges_total", $"state=\"{state}\"");
        }

        return ledger;
    }

    /// <summary>Waits until the agent knows the end of every exchange that it was asked about.</summary>
    public Task CompletedAsync() => Eventually.TrueAsync(
        async () => await MetricAsync("sidecar_agent_calls_total", "event=\"request_complete\"") == await MetricAsync("sidecar_agent_calls_total", "event=\"request_headers\""),
        TimeSpan.FromMinutes(2),
        "the news of the end of all exchanges");

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        await _agent.DisposeAsync();
        Files.Dispose();
    }

    private Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(Files.Socket("admin"), name, labels);
}
