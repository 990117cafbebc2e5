using System.Buffers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Testing;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Listeners;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Decide;

/// <summary>The front end for scripts before real agents: asked directly, over HTTP on a Unix socket, and in frames.</summary>
internal sealed class JsonHarness : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private KestrelListener? _http;
    private FramesListener? _frames;

    private JsonHarness(InspectionHarness daemon, JsonListenerOptions options, IExchangeRelay? relay)
    {
        (Daemon, Options) = (daemon, options);
        DecisionService = new DecisionService(options, daemon.Inspector, new FakeLogger<DecisionService>(daemon.Logs.Collector), relay);
        Mirror = new Mirror(options, DecisionService, new FakeLogger<Mirror>(daemon.Logs.Collector));
    }

    /// <summary>The daemon behind it.</summary>
    public InspectionHarness Daemon { get; }

    /// <summary>What the front end bears.</summary>
    public JsonListenerOptions Options { get; }

    /// <summary>What answers.</summary>
    public DecisionService DecisionService { get; }

    /// <summary>What takes mirrored questions.</summary>
    public Mirror Mirror { get; }

    /// <summary>The HTTP socket, once <see cref="ListenAsync"/> has been called.</summary>
    public string HttpPath => _directory.Socket("http.sock");

    /// <summary>The socket of frames, once <see cref="ListenAsync"/> has been called.</summary>
    public string FramesPath => _directory.Socket("frames.sock");

    /// <summary>Connections open on the socket of frames.</summary>
    public int FramesConnections => _frames?.Connections ?? 0;

    /// <summary>With one route to all agents at once.</summary>
    public static Task<JsonHarness> StartAsync(params LambdaAgent[] agents) => StartAsync(new HarnessOptions(), null, agents);

    /// <summary>As told.</summary>
    public static async Task<JsonHarness> StartAsync(HarnessOptions daemon, JsonListenerOptions? options, params LambdaAgent[] agents) => new(
        await InspectionHarness.StartAsync(daemon, agents), options ?? new JsonListenerOptions { Name = "http:json", Budget = TimeSpan.FromMinutes(1) }, daemon.Relay);

    /// <summary>Opens both sockets.</summary>
    public async Task ListenAsync()
    {
        var kestrel = new KestrelListenerOptions { EndPoint = new UnixDomainSocketEndPoint(HttpPath), MaxRequestBodyBytes = long.MaxValue };
        _http = new KestrelListener(kestrel, Daemon.Logs);
        await _http.StartAsync(
            new JsonFrontEnd(Options, DecisionService, Mirror, static () => [], new FakeLogger<JsonFrontEnd>(Daemon.Logs.Collector)), CancellationToken.None);
        var socket = new UnixListenerSocket(new UnixListenerOptions(), new FakeLogger<UnixListenerSocket>(Daemon.Logs.Collector));
        _frames = new FramesListener(Options with { Name = "frames:json" }, Daemon.Inspector, socket.Bind, Daemon.Logs);
        _frames.Start(FramesPath);
    }

    /// <summary>Asks without a socket, as the text says.</summary>
    public async Task<JsonNode> AskAsync(string question, CancellationToken gone = default)
    {
        using var answer = await DecideAsync(Encoding.UTF8.GetBytes(question), null, gone);
        var output = new ArrayBufferWriter<byte>();
        AnswerWriter.Write(output, answer);
        return JsonNode.Parse(output.WrittenSpan)!;
    }

    /// <summary>Asks without a socket.</summary>
    public async Task<Answer> DecideAsync(byte[] text, byte[]? body = null, CancellationToken gone = default)
    {
        ReadOnlyMemory<byte>? follows = body is null ? (ReadOnlyMemory<byte>?)null : body.AsMemory();
        return await DecisionService.DecideAsync(DecideRequestReader.Read(text, follows, Options), DecisionService.Time.GetTimestamp(), gone);
    }

    /// <summary>Closes both sockets; questions under way are answered.</summary>
    public async Task StopAsync()
    {
        if (_http is not null)
        {
            await _http.DisposeAsync();
            _http = null;
        }

        if (_frames is not null)
        {
            await _frames.DisposeAsync();
            _frames = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await Mirror.DisposeAsync();
        DecisionService.Dispose();
        await Daemon.DisposeAsync();
        _directory.Dispose();
    }
}

/// <summary>Short ways to write questions and to read answers.</summary>
internal static class Questions
{
    /// <summary>A request.</summary>
    public static string Request(string? tx = null, string path = "/", string? body = null, string phase = "request", string more = "", string headers = """["host","shop.example"]""") =>
        $$"""{"v":1,"phase":"{{phase}}","tx":{{Json(tx)}},{{more}}"request":{"method":"POST","authority":"shop.example","path":"{{path}}","headers":[{{headers}}],"body":{{body ?? "null"}} } }""";

    /// <summary>A later part of a request's body.</summary>
    public static string Part(string tx, string body) => $$"""{"phase":"request","tx":{{Json(tx)}},"request":{"body":{{body}} } }""";

    /// <summary>A response.</summary>
    public static string Response(string? tx, int status = 200, string? body = null, string phase = "response", string more = "") =>
        $$"""{"phase":"{{phase}}","tx":{{Json(tx)}},{{more}}"response":{"status":{{status}},"headers":[["server","x"]],"body":{{body ?? "null"}} } }""";

    /// <summary>A body.</summary>
    public static string Body(string text, int part = 0, bool final = true, bool truncated = false, bool kept = false, long? size = null) =>
        $$"""{"data":{{Json(text)}},"encoding":"utf8","size":{{size?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null"}},"truncated":{{Json(truncated)}},"final":{{Json(final)}},"part":{{part}},"kept":{{Json(kept)}} }""";

    /// <summary>A body in base64.</summary>
    public static string Base64(byte[] bytes) => $$"""{"data":"{{Convert.ToBase64String(bytes)}}","encoding":"base64","truncated":false}""";

    /// <summary>The action of an answer, or the code of its error.</summary>
    public static string Action(this JsonNode answer) => (string?)(answer["error"]?["code"] ?? answer["action"]) ?? "";

    /// <summary>A list or object of an answer as compact JSON.</summary>
    public static string Text(this JsonNode answer, string name) => answer[name]?.ToJsonString() ?? "null";

    /// <summary>The status of an answer's reply.</summary>
    public static int Reply(this JsonNode answer) => (int)answer["reply"]!["status"]!;

    private static string Json<T>(T value) => JsonSerializer.Serialize(value);
}
