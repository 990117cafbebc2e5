using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.Listeners;
using Sidecar.Tests.EndToEnd;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>A daemon with a real http listener of any dialect, asked with the very bytes its proxy would send.</summary>
internal sealed class HttpListenerHarness : IAsyncDisposable
{
    private readonly KestrelListener _listener;

    private HttpListenerHarness(TestDaemon daemon, HttpListenerOptions options, string? secret, IVerdictWriter? form)
    {
        Daemon = daemon;
        SocketPath = daemon.Directory.Socket("http.sock");
        var carried = new HeaderMapping(options);
        var check = new CheckEndpoint(
            options, daemon.Inspector, carried, form ?? new ForwardAuthResponse(options.Dialect, carried), daemon.Logs.CreateLogger<CheckEndpoint>());
        IHttpApplication<IFeatureCollection> application = options.Dialect.AsksByRequestLine
            ? new AnyPathFrontEnd(options.Name, check, daemon.Logs.CreateLogger<AnyPathFrontEnd>())
            : new HttpFrontEnd(check, reply: null, daemon.MissingAgents);
        if (secret is not null)
        {
            var file = daemon.Directory.File("secret");
            File.WriteAllText(file, secret + "\n");
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            application = new SecretGuard(
                options.Name, ListenerSecret.Load(file), application, daemon.Inspector, daemon.Logs.CreateLogger<SecretGuard>(), isGrpc: false);
        }

        Application = application;
        EndPoint endPoint = secret is null ? new UnixDomainSocketEndPoint(SocketPath) : new IPEndPoint(IPAddress.Loopback, 0);
        _listener = new KestrelListener(
            new KestrelListenerOptions { EndPoint = endPoint, RunsOnPoller = true, MaxRequestBodyBytes = options.Dialect.CarriesBodies ? long.MaxValue : 0 },
            daemon.Logs);
    }

    public TestDaemon Daemon { get; }

    public string SocketPath { get; }

    public IHttpApplication<IFeatureCollection> Application { get; }

    /// <summary>Starts a listener: on a Unix socket, or with a secret on a loopback port.</summary>
    public static async Task<HttpListenerHarness> StartAsync(
        ProxyProfile dialect, TestAgent[] agents, HttpListenerOptions? options = null, string? secret = null, bool refusesUnapplied = true,
        IVerdictWriter? form = null)
    {
        options = (options ?? HttpHarness.Defaults) with { Dialect = dialect };
        var harness = new HttpListenerHarness(await TestDaemon.StartAsync(agents, refusesUnapplied), options, secret, form);
        await harness._listener.StartAsync(harness.Application, CancellationToken.None);
        return harness;
    }

    /// <summary>Sends a request, a char per byte, and reads the answer to its end.</summary>
    /// <param name="requestLine">For example <c>GET /check HTTP/1.1</c>.</param>
    /// <param name="headers">Whole lines; <c>Connection: close</c> is added.</param>
    public Task<RawAnswer> SendAsync(string requestLine, params IEnumerable<string> headers) => SendKeptAsync(requestLine, [.. headers, "Connection: close"]);

    /// <summary>The same without <c>Connection: close</c>: the answer ends when the server closes by itself.</summary>
    public async Task<RawAnswer> SendKeptAsync(string requestLine, params IEnumerable<string> headers)
    {
        var request = string.Join("\r\n", [requestLine, .. headers, "", ""]);
        if (!_listener.Address.StartsWith("http://127.", StringComparison.Ordinal))
        {
            return RawAnswer.Parse(await UnixHttp.ExchangeAsync(SocketPath, request));
        }

        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(_listener.Address).Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
        return RawAnswer.Parse(await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60)));
    }

    /// <summary>How many exchanges ended so.</summary>
    public long Ended(string state, string cause) => Daemon.Sums.Sum("exchanges", ("state", state), ("cause", cause));

    /// <summary>How many operations could not be carried.</summary>
    public long Unapplied(string operation) => Daemon.Sums.Sum("operations.unapplied", ("operation", operation));

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await Daemon.DisposeAsync();
    }
}
