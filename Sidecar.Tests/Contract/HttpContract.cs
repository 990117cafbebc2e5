using System.Net.Sockets;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Listeners;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract;

/// <summary>An http listener of any proxy as the daemon composes it, asked over its socket.</summary>
internal abstract class HttpContract : IFrontEnd
{
    private static readonly string[] Cookie = ["Set-Cookie"];

    private readonly TempDirectory _directory = new();
    private readonly KestrelListener _listener;
    private readonly ListenerOptions _options;

    protected HttpContract(InspectionHarness daemon, ProxyKind proxy)
    {
        Daemon = daemon;
        _options = new ListenerOptions
        {
            Kind = ListenerKind.Http,
            Path = _directory.Socket("http.sock"),
            Proxy = proxy,
            Budget = TimeSpan.FromMinutes(1),
            SetHeaders = [],
            EditHeaders = ["X-User", "X-Tag", "X-Secret"],

            // Of the answer's own headers Traefik copies cookies and nothing else.
            ResponseHeaders = proxy == ProxyKind.Traefik ? Cookie : ["X-Frame-Options", "X-Served-By", .. Cookie],
        };
        Client = UnixHttp.Client(_options.Path);
        _listener = new KestrelListener(
            new KestrelListenerOptions { EndPoint = new UnixDomainSocketEndPoint(_options.Path), RunsOnPoller = true }, daemon.Logs);
    }

    public InspectionHarness Daemon { get; }

    /// <summary>A connection to the listener.</summary>
    protected HttpClient Client { get; }

    /// <summary>Request headers for which the proxy's configuration has a place.</summary>
    protected IReadOnlyList<string> Edited => _options.EditHeaders;

    /// <summary>Response headers for which it has one.</summary>
    protected IReadOnlyList<string> Added => _options.ResponseHeaders;

    public async Task AskAsync(Passage passage)
    {
        using var question = Question();
        foreach (var (name, value) in Passage.Sent)
        {
            question.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await Client.SendAsync(question);
        if ((int)answer.StatusCode == 200)
        {
            Pass(answer, passage);
            return;
        }

        await RefuseAsync(answer, passage);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _listener.DisposeAsync();
        await Daemon.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>The question about the client's request, but for the client's own headers.</summary>
    protected abstract HttpRequestMessage Question();

    /// <summary>Carries out an answer that lets pass.</summary>
    protected abstract void Pass(HttpResponseMessage answer, Passage passage);

    /// <summary>Hands the answer to the client as it stands.</summary>
    protected virtual async Task RefuseAsync(HttpResponseMessage answer, Passage passage) => passage.Refuse(
        (int)answer.StatusCode,
        answer.Headers.Concat(answer.Content.Headers).SelectMany(static field => field.Value.Select(value => (field.Key, value))),
        await answer.Content.ReadAsStringAsync());

    /// <summary>A question with headers of the proxy's own.</summary>
    protected static HttpRequestMessage Get(string path, params (string Name, string Value)[] headers)
    {
        var question = UnixHttp.Get(path);
        foreach (var (name, value) in headers)
        {
            question.Headers.TryAddWithoutValidation(name, value);
        }

        return question;
    }

    /// <summary>The lines of a header of the answer.</summary>
    protected static IEnumerable<string> Lines(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? values : [];

    /// <summary>Starts the listener.</summary>
    protected static async Task<IFrontEnd> StartAsync(HttpContract contract)
    {
        var daemon = contract.Daemon;
        var applications = new HttpListeners(daemon.Inspector, daemon.Sums.Metrics, daemon.Logs);
        await contract._listener.StartAsync(applications.ForProxy(contract._options), CancellationToken.None);
        return contract;
    }
}
