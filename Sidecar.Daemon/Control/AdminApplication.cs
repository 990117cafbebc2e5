using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Diagnostics.Reports;

namespace Sidecar.Daemon.Control;

/// <summary>
/// What operators ask the daemon over its own socket: metrics, its state as JSON, and orders to reload, to push configurations and to clear sessions.
/// </summary>
internal sealed class AdminApplication(DaemonView daemon, PrometheusExporter exporter, AgentReports reports)
    : IHttpApplication<IFeatureCollection>
{
    private const string PushPath = "/config-pushes";
    private const string AgentsPath = "/agents";

    private readonly AdminPages _pages = new(daemon);
    private readonly ConfigPushEndpoint _pushes = new(daemon);
    private readonly StickyEndpoint _sticky = new(daemon);
    private readonly ReloadEndpoint _reloads = new(daemon.Reloads);

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // The server owns the features.
    }

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var path = request.RawTarget.Split('?')[0];
        var (status, document) = (request.Method, path) switch
        {
            ("POST", PushPath) => await _pushes.TakeAsync(request),
            ("POST", ReloadEndpoint.Path) => await _reloads.TakeAsync(request),
            ("DELETE", _) when path.StartsWith(AgentsPath + "/", StringComparison.Ordinal) => Remove(path[(AgentsPath.Length + 1)..]),
            ("DELETE", _) when path.StartsWith(StickyEndpoint.Path, StringComparison.Ordinal) =>
                _sticky.Clear(path[StickyEndpoint.Path.Length..]),
            (not ("GET" or "HEAD"), _) => AdminAnswer.Error(
                StatusCodes.Status405MethodNotAllowed,
                $"{request.Method} is not understood here; the orders are POST {ReloadEndpoint.Path}, POST {PushPath}, DELETE {AgentsPath}/AGENT "
                + $"and DELETE {StickyEndpoint.Path}AGENT[/KEY]"),
            (_, "/metrics") => AdminAnswer.Ok(Metrics()),
            (_, "/healthz") => AdminAnswer.Ok("ok\n"u8.ToArray()),
            (_, "/status") => AdminAnswer.Ok(_pages.Status()),
            (_, AgentsPath) => AdminAnswer.Ok(_pages.Agents()),
            (_, "/sessions") => AdminAnswer.Ok(_pages.Sessions()),
            (_, PushPath) => AdminAnswer.Ok(_pages.ConfigPushes()),
            _ when path.StartsWith(StickyEndpoint.Path, StringComparison.Ordinal) => _sticky.List(path[StickyEndpoint.Path.Length..]),
            _ when path.StartsWith(PushPath + "/", StringComparison.Ordinal) => Push(path[(PushPath.Length + 1)..]),
            _ => AdminAnswer.Error(
                StatusCodes.Status404NotFound,
                $"nothing is here; there are /status, {AgentsPath}, /sessions, {PushPath}, /metrics and /healthz"),
        };
        await AnswerAsync(context, status, document);
    }

    private AdminAnswer Push(string id) => _pages.ConfigPush(id) is { } push
        ? AdminAnswer.Ok(push)
        : AdminAnswer.Error(StatusCodes.Status404NotFound, "there is no such push, or it ended long ago");

    private AdminAnswer Remove(string id)
    {
        if (daemon.Find(id) is not { } agent)
        {
            return AdminAnswer.NoSuchAgent(id, daemon.Agents());
        }

        daemon.Removals.Start(agent);
        return new(StatusCodes.Status202Accepted, _pages.Agents());
    }

    private byte[] Metrics()
    {
        var text = new ArrayBufferWriter<byte>(64 * 1024);
        exporter.Render(text);
        reports.Render(text);
        return text.WrittenSpan.ToArray();
    }

    private static async Task AnswerAsync(IFeatureCollection context, int status, object document)
    {
        var isJson = document is not byte[];
        var body = document as byte[] ?? JsonSerializer.SerializeToUtf8Bytes(document, document.GetType(), AdminJson.Default);
        var response = context.GetRequiredFeature<IHttpResponseFeature>();
        response.StatusCode = status;
        response.Headers.ContentType = isJson ? "application/json; charset=utf-8" : PrometheusExporter.ContentType;
        response.Headers.ContentLength = body.Length;
        response.Headers.CacheControl = "no-store";
        if (context.GetRequiredFeature<IHttpRequestFeature>().Method != "HEAD")
        {
            await context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body);
        }
    }
}
