using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Tests.EndToEnd.Attacks;
using Sidecar.Tests.Grpc;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>
/// A real Envoy with ext_proc, the daemon as a process of its own, an agent that does what requests say, and an upstream that answers as their paths say.
/// </summary>
internal sealed class ProcStack : IAsyncDisposable
{
    /// <summary>The mode NONE with bodies asked for by overrides.</summary>
    public const string Override = "OVERRIDE";

    private const string Routes = "              routes:\n";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _files = new();
    private GrpcRig? _grpc;
    private Dictionary<string, long> _accounted = [];

    private ProcStack() => Origin = new AttackOrigin(pieces: AnswerToAsync);

    /// <summary>The agent.</summary>
    public LambdaAgent Agent { get; private init; } = ActingAgent.Create();

    /// <summary>
    /// The upstream: <c>/size/N</c>, <c>/chunked/N</c>, <c>/status/N</c>, <c>/early/N</c> with hints before it, <c>/events</c>; an upgrade it agrees to.
    /// What calls <c>/test.Service/Method</c> by gRPC goes to another one, which echoes.
    /// </summary>
    public AttackOrigin Origin { get; }

    /// <summary>What the upstream sends to who asks for <c>/events</c>, each when it is written here.</summary>
    public Channel<string> Events { get; set; } = Channel.CreateUnbounded<string>();

    /// <summary>The daemon.</summary>
    public ChildProcess Daemon { get; private set; } = null!;

    /// <summary>The proxy.</summary>
    public RealEnvoy Envoy { get; private set; } = null!;

    /// <summary>Starts everything.</summary>
    /// <param name="mode">How bodies are sent, in Envoy's words.</param>
    /// <param name="listenKeys">Further keys of <c>--listen</c>.</param>
    /// <param name="agentKeys">Further keys of <c>--agent</c>.</param>
    /// <param name="agent">Instead of the acting one.</param>
    /// <param name="isPatient">Whether Envoy waits for a minute.</param>
    /// <param name="edit">What the test changes in Envoy's configuration besides.</param>
    public static async Task<ProcStack> StartAsync(
        string mode, string listenKeys = "", string agentKeys = "", LambdaAgent? agent = null, bool isPatient = true, Func<string, string>? edit = null)
    {
        await RealEnvoy.RequireAsync();
        var stack = agent is null ? new ProcStack() : new ProcStack { Agent = agent };
        try
        {
            stack._grpc = await GrpcRig.StartAsync(EchoAsync);
            await stack.Agent.StartAsync(stack._files.Socket("agent"));
            stack.Daemon = await SidecarCommand.StartDaemonAsync(
                "--agent", $"demo={stack._files.Socket("agent")}{agentKeys}",
                "--listen", $"envoy={stack._files.Socket("envoy")}{(mode == Override ? ",allow-mode-override=yes" : "")}{listenKeys}",
                "--listen", $"admin={stack._files.Socket("admin")}");
            await stack.Daemon.WaitForAsync("agent demo is reachable");
            stack.Envoy = await RealEnvoy.StartAsync(
                stack._files.Socket("envoy"), stack.Origin.Port, "envoy-ext-proc-responses.yaml", isPatient,
                text => stack.WithGrpc(edit is null ? InMode(text, mode) : edit(InMode(text, mode))));
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until no exchange is open, and tells how many ended like this.</summary>
    public async Task<long> EndedAsync(string state, string cause)
    {
        await Eventually.TrueAsync(
            async () => await MetricAsync("sidecar_exchanges_open") == 0 && await MetricAsync("sidecar_exchanges_received_total") == await MetricAsync("sidecar_exchanges_total"),
            Limit, "the end of all exchanges");
        return await MetricAsync("sidecar_exchanges_total", $"state=\"{state}\"", $"cause=\"{cause}\"");
    }

    /// <summary>Waits until no exchange is open, and tells how those ended that did since it was asked before, for example <c>refused too-large</c>.</summary>
    public async Task<string> AccountAsync()
    {
        await EndedAsync("", "");
        var ended = await AdminMetrics.SeriesAsync(_files.Socket("admin"), "sidecar_exchanges_total");
        var grown = ended.Where(series => series.Value > _accounted.GetValueOrDefault(series.Key)).Select(static series => series.Key).ToList();
        _accounted = ended;
        var states = grown.Select(static series => $"{Label(series, "state")} {Label(series, "cause")}".Replace(" none", "", StringComparison.Ordinal));
        return string.Join(", ", states.Distinct().Order());
    }

    /// <summary>
    /// Without the cause where Envoy gave a response up: whether its headers have reached us before the stream is reset is chance, and so whether
    /// it counts as one that never came or that nobody waits for any more.
    /// </summary>
    public static string GivenUp(string account) => account is "abandoned no-response" or "abandoned client-gone" ? "abandoned" : account;

    /// <summary>What the daemon tells operators.</summary>
    public async Task<string> StatusAsync()
    {
        using var client = UnixHttp.Client(_files.Socket("admin"));
        return await client.GetStringAsync(new Uri("http://sidecar/status"));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in (IAsyncDisposable?[])[Envoy, Daemon, Agent, Origin, _grpc])
        {
            if (one is not null)
            {
                await one.DisposeAsync();
            }
        }

        _files.Dispose();
    }

    private Task<long> MetricAsync(string name, params string[] labels) => AdminMetrics.SumAsync(_files.Socket("admin"), name, labels);

    private static string InMode(string text, string mode)
    {
        var body = mode == Override ? "NONE" : mode;
        var trailers = mode is "STREAMED" or "FULL_DUPLEX_STREAMED" ? "SEND" : "SKIP";
        var modes = $"processing_mode: {{ request_header_mode: SEND, request_body_mode: {body}, request_trailer_mode: {trailers}, "
            + $"response_header_mode: SEND, response_body_mode: {body}, response_trailer_mode: {trailers} }}";
        text = Regex.Replace(text, "(?m)^(?<indent> +)processing_mode:\n(?:\\k<indent>  .+\n)+", $"${{indent}}{modes}\n", RegexOptions.None, TimeSpan.FromSeconds(10));
        text = mode == Override ? text.Replace("processing_mode:", "allow_mode_override: true\n              processing_mode:", StringComparison.Ordinal) : text;
        return text.Replace("# upgrade_configs:", "upgrade_configs:", StringComparison.Ordinal).Replace("# http_protocol_options:", "http_protocol_options:", StringComparison.Ordinal);
    }

    private string WithGrpc(string text) => text
        .Replace(Routes, $"{Routes}              - {{ match: {{ prefix: /test.Service/ }}, route: {{ cluster: grpc, timeout: 0s }} }}\n", StringComparison.Ordinal)
        + $$"""

          - name: grpc
            type: STATIC
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: { http2_protocol_options: {} }
            load_assignment: { cluster_name: grpc, endpoints: [ { lb_endpoints: [ { endpoint: { address: { pipe: { path: {{_grpc!.SocketPath}} } } } } ] } ] }

        """;

    private static async Task EchoAsync(GrpcServerCall call)
    {
        await foreach (var message in call.ReadAllAsync(HttpBody.Parser, call.Cancellation))
        {
            await call.WriteAsync(message, call.Cancellation);
        }
    }

    private static string Label(string series, string name) =>
        Regex.Match(series, $"{name}=\"([^\"]*)\"", RegexOptions.None, TimeSpan.FromSeconds(10)).Groups[1].Value;

    private async IAsyncEnumerable<byte[]> AnswerToAsync(WireMessage request)
    {
        var words = request.Target.Split('/');
        if (request.Values("upgrade").Any())
        {
            yield return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"u8.ToArray();
        }
        else if (words[1] == "events")
        {
            yield return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray();
            await foreach (var word in Events.Reader.ReadAllAsync())
            {
                yield return Encoding.ASCII.GetBytes($"{word.Length + 8:x}\r\ndata: {word}\n\n\r\n");
            }

            yield return "0\r\n\r\n"u8.ToArray();
        }
        else
        {
            yield return Whole(request, words);
        }
    }

    private static byte[] Whole(WireMessage request, string[] words)
    {
        var number = words[1] is "size" or "chunked" or "status" or "early" ? int.Parse(words[2], CultureInfo.InvariantCulture) : 0;
        return Encoding.ASCII.GetBytes((words[1] == "early" ? "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" : "") + words[1] switch
        {
            "status" or "early" => $"HTTP/1.1 {number} X\r\nX-Gone: 1\r\n{(number is 204 or 304 ? "" : "Content-Length: 0\r\n")}\r\n",
            "chunked" => $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{(number == 0 ? "" : $"{number:x}\r\n{new string('r', number)}\r\n")}0\r\n\r\n",
            _ => $"HTTP/1.1 200 OK\r\nX-Gone: 1\r\nContent-Length: {number}\r\n\r\n{(request.Method == "HEAD" ? "" : new string('r', number))}",
        });
    }
}
