using System.Net;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// A real proxy between a client and an upstream that tells what it was sent, the daemon as a process of its own, and an agent that keeps what it was
/// shown.
/// </summary>
internal sealed class WatchedStack : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly LoopbackPort _http2Port = new();
    private readonly ProxySetup _setup;
    private IAsyncDisposable? _proxy;

    private WatchedStack(ProxySetup setup, OriginServer origin) => (_setup, Origin) = (setup, origin);

    public LambdaAgent Agent { get; } = new("demo");

    public OriginServer Origin { get; }

    public ChildProcess Daemon { get; private set; } = null!;

    public int Port { get; private set; }

    /// <summary>Speaks HTTP/2 without TLS.</summary>
    public int Http2Port => _setup == ProxySetup.Caddy ? Port : _http2Port.Number;

    /// <summary>Starts everything, patiently: a slow machine is no failure.</summary>
    /// <param name="setup">Which proxy with which configuration.</param>
    /// <param name="http">Further lines of nginx's http level.</param>
    /// <param name="server">Further lines of nginx's server.</param>
    /// <param name="change">What else is the test's own in the proxy's files.</param>
    public static async Task<WatchedStack> StartAsync(ProxySetup setup, string http = "", string server = "", Func<string, string>? change = null)
    {
        await setup.RequireAsync();
        var stack = new WatchedStack(setup, await OriginServer.StartAsync());
        var directory = stack._directory;
        try
        {
            await stack.Agent.StartAsync(directory.Socket("agent"));
            stack.Daemon = await SidecarCommand.StartDaemonAsync(
                "--agent", $"demo={directory.Socket("agent")},timeout=40s,body-timeout=40s",
                "--listen", setup.Listener(directory),
                "--listen", $"admin={directory.Socket("admin")}");
            await stack.Daemon.WaitForAsync("agent demo is reachable");
            await stack.StartProxyAsync(http, server, change ?? (static text => text));
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
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
        foreach (var one in (IAsyncDisposable?[])[_proxy, Daemon, Agent, Origin])
        {
            if (one is not null)
            {
                await one.DisposeAsync();
            }
        }

        _http2Port.Dispose();
        _directory.Dispose();
    }

    private async Task StartProxyAsync(string http, string server, Func<string, string> change)
    {
        var changes = _setup == ProxySetup.Caddy
            ? new ProxyChanges { Change = text => change(text).Replace("\tservers {", "\tservers {\n\t\tprotocols h1 h2 h2c h3", StringComparison.Ordinal) }
            : new ProxyChanges { Http = http, Server = $"        listen 127.0.0.1:{_http2Port.Number} http2;\n{server}", Change = change };
        (_proxy, Port) = await _setup.StartAsync(_directory, Origin.Port, failsOpen: false, changes);
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
