using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.Listeners;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>A daemon with a real http listener on a Unix socket, and a client that asks like nginx.</summary>
internal sealed class HttpHarness : IAsyncDisposable
{
    public static readonly HttpListenerOptions Defaults = new() { Name = "http", Budget = TimeSpan.FromSeconds(30) };

    private readonly KestrelListener _listener;
    private readonly HttpListenerOptions _options;

    private HttpHarness(TestDaemon daemon, HttpListenerOptions options)
    {
        (Daemon, _options) = (daemon, options);
        SocketPath = daemon.Directory.Socket("http.sock");
        Client = UnixHttp.Client(SocketPath);
        Tokens = new ReplyTokens(ReplyKeyFile.LoadOrCreate(daemon.Directory.File("key")), Time);
        var metrics = daemon.Sums.Metrics;
        var carried = new HeaderMapping(options);
        var form = new AuthRequestResponse(carried, Tokens, Time, daemon.Logs.CreateLogger<AuthRequestResponse>());
        FrontEnd = new HttpFrontEnd(
            new CheckEndpoint(options, daemon.Inspector, carried, form, daemon.Logs.CreateLogger<CheckEndpoint>()),
            new ReplyEndpoint(options, Tokens, metrics, Time, daemon.Logs.CreateLogger<ReplyEndpoint>()),
            daemon.MissingAgents);
        _listener = new KestrelListener(new KestrelListenerOptions { EndPoint = new UnixDomainSocketEndPoint(SocketPath), RunsOnPoller = true }, daemon.Logs);
    }

    public FakeTimeProvider Time { get; } = new();

    public TestDaemon Daemon { get; }

    public ReplyTokens Tokens { get; }

    public HttpFrontEnd FrontEnd { get; }

    public string SocketPath { get; }

    public HttpClient Client { get; }

    public static Task<HttpHarness> StartAsync(params TestAgent[] agents) => StartAsync(Defaults, agents);

    public static async Task<HttpHarness> StartAsync(HttpListenerOptions options, TestAgent[] agents, bool refusesUnapplied = true)
    {
        var harness = new HttpHarness(await TestDaemon.StartAsync(agents, refusesUnapplied), options);
        await harness._listener.StartAsync(harness.FrontEnd, CancellationToken.None);
        return harness;
    }

    /// <summary>Asks as the ready nginx configuration does.</summary>
    public Task<HttpResponseMessage> CheckAsync(params (string Name, string Value)[] headers)
    {
        (string, string)[] usual =
        [
            ("X-Original-Method", "GET"),
            ("X-Original-URI", "/"),
            ("X-Forwarded-Host", "shop.example"),
            ("X-Forwarded-For", "192.0.2.7"),
            ("X-Request-Id", "r1"),
        ];
        return AskAsync("/check", [.. usual.Where(one => !Array.Exists(headers, other => other.Name == one.Item1)), .. headers]);
    }

    /// <summary>Asks with nothing but these headers, and those of nginx that every question needs.</summary>
    public async Task<HttpResponseMessage> AskAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = UnixHttp.Get(path);
        (string Name, string Value)[] needed = _options.Dialect == ProxyProfile.Nginx ? [("X-Original-Method", "GET"), ("X-Original-URI", "/")] : [];
        foreach (var (name, value) in needed.Where(one => !Array.Exists(headers, other => other.Name == one.Name)).Concat(headers))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Client.SendAsync(request);
    }

    /// <summary>Fetches the reply that an answer to a question names.</summary>
    public Task<HttpResponseMessage> ReplyAsync(HttpResponseMessage answer) => Client.SendAsync(UnixHttp.Get("/v1/reply/" + answer.One("X-Sidecar-Reply")));

    /// <summary>How many exchanges ended so.</summary>
    public long Ended(string state, string cause) => Daemon.Sums.Sum("exchanges", ("state", state), ("cause", cause));

    /// <summary>How many operations could not be carried.</summary>
    public long Unapplied(string operation) => Daemon.Sums.Sum("operations.unapplied", ("operation", operation));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _listener.DisposeAsync();
        await Daemon.DisposeAsync();
    }
}

/// <summary>Short words for answers.</summary>
internal static class AnswerExtensions
{
    /// <summary>The value of a header that must be there exactly once; headers of the content too.</summary>
    public static string One(this HttpResponseMessage answer, string name) =>
        (answer.Headers.TryGetValues(name, out var values) || answer.Content.Headers.TryGetValues(name, out values))
            ? values.Single()
            : throw new InvalidOperationException($"the answer has no header {name}: {answer}");

    /// <summary>The status as a number.</summary>
    public static int Code(this HttpResponseMessage answer) => (int)answer.StatusCode;
}
