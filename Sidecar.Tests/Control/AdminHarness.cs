using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Diagnostics.Reports;
using Sidecar.Daemon.Listeners;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Control;

/// <summary>The admin listener on its own socket over the insides of a daemon.</summary>
internal sealed class AdminHarness : IAsyncDisposable
{
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly PrometheusExporter _exporter;
    private readonly KestrelListener _listener;
    private readonly HttpClient _client;
    private volatile string[] _agents;

    private AdminHarness(InspectionHarness inside, string[] agents)
    {
        Inside = inside;
        _agents = agents;
        var settings = new ConfigPushSettings { MaxRetries = 0 };
        Pusher = new ConfigPusher(settings, TimeProvider.System, inside.Logs.CreateLogger("pusher"));
        Updates = new ConfigUpdates(new ConfigUpdateHandler(Pusher, settings, TimeProvider.System), TimeProvider.System, inside.Logs.CreateLogger("updates"));
        Reports = new AgentReports(inside.Sums.Metrics.Agents, "sidecar", new AgentReportLimits(), TimeProvider.System);
        _exporter = new PrometheusExporter(inside.Sums.Factory, new PrometheusExporterOptions());
        inside.Sums.Metrics.Agents.Observe(() => agents.Select(agent => inside.StateOf(agent).Read()));
        Removals = new AgentRemovals(
            async (agent, abort) =>
            {
                await agent.Current.RetireAsync(TimeProvider.System, abort);
                _agents = [.. _agents.Where(id => id != agent.Id)];
            },
            TimeProvider.System,
            inside.Logs.CreateLogger("removals"));
        var view = new DaemonView
        {
            Version = "1.2",
            StartedAt = TimeProvider.System.GetUtcNow(),
            Listeners = [new ListenerOptions { Kind = ListenerKind.Native, Path = "/run/native.sock" }],
            Agents = () => [.. _agents.Select(inside.StateOf)],
            Exchanges = inside.Inspector.Counts,
            ListenerWarnings = inside.Inspector.Warnings,
            BodyMemory = inside.Inspector.BodyMemory,
            Pusher = Pusher,
            Updates = Updates,
            Removals = Removals,
            Time = TimeProvider.System,
        };
        Socket = _directory.Socket("admin.sock");
        _listener = new KestrelListener(
            new KestrelListenerOptions { EndPoint = new UnixDomainSocketEndPoint(Socket), MaxRequestBodyBytes = ConfigPushEndpoint.MaxBytes }, inside.Logs);
        Application = new AdminApplication(view, _exporter, Reports);
        _client = UnixHttp.Client(Socket);
    }

    public InspectionHarness Inside { get; }

    public AdminApplication Application { get; }

    public ConfigPusher Pusher { get; }

    public ConfigUpdates Updates { get; }

    public AgentRemovals Removals { get; }

    public AgentReports Reports { get; }

    public string Socket { get; }

    public static async Task<AdminHarness> StartAsync(params LambdaAgent[] agents)
    {
        var harness = new AdminHarness(
            await InspectionHarness.StartAsync(new HarnessOptions { Drain = Drain }, agents), [.. agents.Select(static agent => agent.Id)]);
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
        await Pusher.DisposeAsync();
        await Removals.DisposeAsync();
        await Inside.DisposeAsync();
        _exporter.Dispose();
        _directory.Dispose();
    }
}
