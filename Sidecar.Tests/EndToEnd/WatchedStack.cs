using System.Net;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The ready configurations behind which nothing may pass unseen.</summary>
internal enum FrontDoor
{
    /// <summary>nginx.conf, which asks by <c>auth_request</c>.</summary>
    NginxCheck,

    /// <summary>nginx-lua.conf.</summary>
    NginxLua,

    /// <summary>nginx-njs.conf.</summary>
    NginxNjs,

    /// <summary>The Caddyfile.</summary>
    Caddy,
}

/// <summary>A real proxy between a client and an upstream that tells what it was sent, the daemon as a process of its own, and an agent that keeps what it was shown.</summary>
internal sealed class WatchedStack : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly LoopbackPort _http2Port = new();
    private readonly FrontDoor _door;
    private IAsyncDisposable? _proxy;

    private WatchedStack(FrontDoor door, OriginServer origin) => (_door, Origin) = (door, origin);

    public LambdaAgent Agent { get; } = new("demo");

    public OriginServer Origin { get; }

    public ChildProcess Daemon { get; private set; } = null!;

    public int Port { get; private set; }

    /// <summary>Speaks HTTP/2 without TLS.</summary>
    public int Http2Port => _door == FrontDoor.Caddy ? Port : _http2Port.Number;

    /// <summary>Starts everything, patiently: a slow machine is no failure.</summary>
    /// <param name="door">Which proxy with which configuration.</param>
    /// <param name="http">Further lines of nginx's http level.</param>
    /// <param name="server">Further lines of nginx's server.</param>
    /// <param name="change">What else is the test's own in the proxy's files.</param>
    public static async Task<WatchedStack> StartAsync(FrontDoor door, string http = "", string server = "", Func<string, string>? change = null)
    {
        var stack = new WatchedStack(door, await OriginServer.StartAsync());
        var directory = stack._directory;
        await stack.Agent.StartAsync(directory.Socket("agent"));
        stack.Daemon = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={directory.Socket("agent")},timeout=40s,body-timeout=40s",
            "--listen", $"http={directory.Socket("nginx")},proxy=nginx,budget=50s",
            "--listen", $"http={directory.Socket("caddy")},proxy=caddy,budget=25s",
            "--listen", $"http={directory.Socket("json")},proxy=json,budget=50s",
            "--listen", $"frames={directory.Socket("frames")},budget=50s",
            "--listen", $"admin={directory.Socket("admin")}");
        await stack.Daemon.WaitForAsync("agent demo is reachable");
        await stack.StartProxyAsync(http, server, change ?? (static text => text));
        return stack;
    }

    /// <summary>The headers of the last request that the agent was shown.</summary>
    public RequestHeadersEvent Last() => Agent.Seen.OfType<RequestHeadersEvent>().Last();

    /// <summary>Sends a request over HTTP/2.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path.</param>
    /// <param name="body">Sent without saying how long it is; null for none.</param>
    /// <param name="client">Made by <see cref="Http2"/>.</param>
    public async Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri($"http://127.0.0.1:{Http2Port}{path}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body is null ? null : new UnannouncedContent(body),
        };
        return await client.SendAsync(request);
    }

    /// <summary>A client for <see cref="SendAsync"/>.</summary>
    public static HttpClient Http2() => new() { Timeout = TimeSpan.FromMinutes(2) };

    /// <summary>How many exchanges have ended so.</summary>
    public Task<long> EndedAsync(string state, string cause) =>
        AdminMetrics.SumAsync(_directory.Socket("admin"), "sidecar_exchanges_total", $"state=\"{state}\"", $"cause=\"{cause}\"");

    /// <summary>Waits until so many exchanges have ended so.</summary>
    public Task EndedAsync(string state, string cause, long count) =>
        Eventually.TrueAsync(async () => await EndedAsync(state, cause) == count, TimeSpan.FromMinutes(2), $"{count} exchanges {state} for {cause}");

    public async ValueTask DisposeAsync()
    {
        if (_proxy is not null)
        {
            await _proxy.DisposeAsync();
        }

        await Daemon.DisposeAsync();
        await Agent.DisposeAsync();
        await Origin.DisposeAsync();
        _http2Port.Dispose();
        _directory.Dispose();
    }

    private async Task StartProxyAsync(string http, string server, Func<string, string> change)
    {
        if (_door == FrontDoor.Caddy)
        {
            var caddy = await CaddyServer.StartAsync(_directory.Socket("caddy"), Origin.Port, change: text =>
                change(text).Replace("\tservers {", "\tservers {\n\t\tprotocols h1 h2 h2c h3", StringComparison.Ordinal));
            (_proxy, Port) = (caddy, caddy.Port);
            return;
        }

        var file = _door switch { FrontDoor.NginxLua => "nginx-lua.conf", FrontDoor.NginxNjs => "nginx-njs.conf", _ => "nginx.conf" };
        var lines = $"        listen 127.0.0.1:{_http2Port.Number} http2;\n{server}";
        var nginx = await NginxServer.StartAsync(file, Origin.Port, lines, http, text => change(text)
            .Replace("/run/sidecar/http.sock", _directory.Socket("nginx"), StringComparison.Ordinal)
            .Replace("/run/sidecar/frames.sock", _directory.Socket("frames"), StringComparison.Ordinal)
            .Replace("/run/sidecar/json.sock", _directory.Socket("json"), StringComparison.Ordinal)
            .Replace(" 500ms;", " 60s;", StringComparison.Ordinal)
            .Replace(" 100ms;", " 60s;", StringComparison.Ordinal)
            .Replace("ANSWER_MS = 500", "ANSWER_MS = 60000", StringComparison.Ordinal)
            .Replace("answer_ms = 500", "answer_ms = 60000", StringComparison.Ordinal)
            .Replace("connect_ms = 100", "connect_ms = 60000", StringComparison.Ordinal));
        (_proxy, Port) = (nginx, nginx.Port);
    }

    // HTTP/2 needs no length, and so none is told.
    private sealed class UnannouncedContent(string body) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(body)).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
