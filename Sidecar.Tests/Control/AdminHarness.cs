using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.Listeners;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Control;

/// <summary>The admin listener on its own socket over the insides of a daemon.</summary>
internal sealed class AdminHarness : IAsyncDisposable
{
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly KestrelListener _listener;
    private readonly HttpClient _client;

    private AdminHarness(InspectionHarness inside, MemorySource source)
    {
        (Inside, Source) = (inside, source);
        Socket = _directory.Socket("admin.sock");
        _listener = new KestrelListener(
            new KestrelListenerOptions { EndPoint = new UnixDomainSocketEndPoint(Socket), MaxRequestBodyBytes = ConfigPushEndpoint.MaxBytes }, inside.Logs);
        Application = inside.Daemon.CreateAdmin();
        _client = UnixHttp.Client(Socket);
    }

    public InspectionHarness Inside { get; }

    /// <summary>What a reload reads.</summary>
    public MemorySource Source { get; }

    public AdminApplication Application { get; }

    public AgentRemovals Removals => Inside.Daemon.Removals;

    public AgentReports Reports => Inside.Daemon.Reports;

    public string Socket { get; }

    public static async Task<AdminHarness> StartAsync(params LambdaAgent[] agents)
    {
        var source = new MemorySource();
        var options = new HarnessOptions
        {
            Start = new ConfigurationStart(source) { Fit = static written => new(written, null, null) },
            Drain = Drain,
            Pushing = new ConfigPushSettings { MaxRetries = 0 },
            Listeners = [new ListenerOptions { Kind = ListenerKind.Native, Path = "/run/native.sock" }],
        };
        var harness = new AdminHarness(await InspectionHarness.StartAsync(options, agents), source);
        harness.Inside.Daemon.Reloads.Open();
        await harness._listener.StartAsync(harness.Application, CancellationToken.None);
        return harness;
    }

    /// <summary>A page's text.</summary>
    public Task<string> TextAsync(string path) => _client.GetStringAsync(new Uri("http://localhost" + path), CancellationToken.None);

    /// <summary>A page's JSON.</summary>
    public async Task<JsonElement> JsonAsync(string path) => JsonSerializer.Deserialize<JsonElement>(await TextAsync(path));

    /// <summary>Sends a request; the status and the error, or the whole answer when there is none.</summary>
    public async Task<(HttpStatusCode Status, string Said)> SendAsync(HttpMethod method, string path, string body = "")
    {
        using var request = new HttpRequestMessage(method, "http://localhost" + path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using var response = await _client.SendAsync(request, CancellationToken.None);
        var text = await response.Content.ReadAsStringAsync(CancellationToken.None);
        return (response.StatusCode, JsonSerializer.Deserialize<JsonElement>(text).TryGetProperty("error", out var error) ? error.GetString()! : text);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _listener.DisposeAsync();
        await Inside.DisposeAsync();
        _directory.Dispose();
    }
}
