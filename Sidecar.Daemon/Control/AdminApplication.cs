using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Daemon.Control;

/// <summary>What operators ask the daemon over its own socket: metrics and whether it is there.</summary>
internal sealed class AdminApplication(PrometheusExporter exporter) : IHttpApplication<IFeatureCollection>
{
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // The server owns the features.
    }

    public Task ProcessRequestAsync(IFeatureCollection context)
    {
        var target = context.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return target.Split('?')[0] switch
        {
            "/metrics" => MetricsAsync(context),
            "/healthz" => AnswerAsync(context, 200, "ok\n"u8.ToArray()),
            _ => AnswerAsync(context, 404, Encoding.UTF8.GetBytes("nothing is here; there are /metrics and /healthz\n")),
        };
    }

    private Task MetricsAsync(IFeatureCollection context)
    {
        var text = new ArrayBufferWriter<byte>(16 * 1024);
        exporter.Render(text);
        return AnswerAsync(context, 200, text.WrittenMemory, PrometheusExporter.ContentType);
    }

    private static async Task AnswerAsync(IFeatureCollection context, int status, ReadOnlyMemory<byte> body, string type = "text/plain; charset=utf-8")
    {
        var response = context.GetRequiredFeature<IHttpResponseFeature>();
        response.StatusCode = status;
        response.Headers.ContentType = type;
        response.Headers.ContentLength = body.Length;
        response.Headers.CacheControl = "no-store";
        await context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body).ConfigureAwait(false);
    }
}
