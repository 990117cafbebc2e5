using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The upstream behind the proxy: tells in its answer what it was sent, and counts.</summary>
internal sealed class OriginServer : IAsyncDisposable
{
    /// <summary>What it answers where a path ends with <c>/bytes</c>, a char for each byte.</summary>
    public static readonly ILookup<string, string> Bytes = new (string Name, string Value)[]
    {
        ("Content-Type", "text/x; a=\u00e9"), ("X-Raw", "J\u00f6rg, \u00ff"), ("X-Raw", "two"), ("X-Raw", "\u00c3\u00b6, ,"), ("X-Utf", "J\u00c3\u00b6rg"),
        ("X-Once", "\u00ff"), ("X-Twice", "1"), ("X-Twice", "2"), ("Set-Cookie", "a=\u00ff, x"), ("Set-Cookie", "b=2"), ("Location", "/\u00e9"),
        ("ETag", "\"\u00e9\""),
    }.ToLookup(static field => field.Name, static field => field.Value);

    private readonly WebApplication _app;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _requests;
    private long _bodyBytes;
    private long _unmarked;

    private OriginServer(WebApplication app)
    {
        _app = app;
        app.UseWebSockets();
        app.Run(AnswerAsync);
    }

    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Requests that came without the header X-Seen.</summary>
    public long Unmarked => Interlocked.Read(ref _unmarked);

    /// <summary>Bytes of all bodies that came.</summary>
    public long BodyBytes => Interlocked.Read(ref _bodyBytes);

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Answers the requests whose path ends with <c>/held</c>; until then they are under way.</summary>
    public void Release() => _released.TrySetResult();

    public static async Task<OriginServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").UseKestrel(static kestrel =>
        {
            kestrel.Limits.MaxRequestHeadersTotalSize = 1024 * 1024;
            kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        });
        var server = new OriginServer(builder.Build());
        await server._app.StartAsync(CancellationToken.None);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    // Says what it was sent once, with the name of the user that it was told.
    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[1024];
        var message = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
        var answer = $"{context.Request.Headers["X-User"]} said {Encoding.UTF8.GetString(buffer, 0, message.Count)}";
        await socket.SendAsync(Encoding.UTF8.GetBytes(answer), WebSocketMessageType.Text, endOfMessage: true, context.RequestAborted);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        if (!context.Request.Headers.ContainsKey("X-Seen"))
        {
            Interlocked.Increment(ref _unmarked);
        }

        if (context.WebSockets.IsWebSocketRequest)
        {
            await EchoAsync(context);
            return;
        }

        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            [":target"] = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            [":method"] = context.Request.Method,
        };
        using var body = new StreamReader(context.Request.Body, Encoding.Latin1);
        seen[":body"] = await body.ReadToEndAsync(context.RequestAborted);
        Interlocked.Add(ref _bodyBytes, seen[":body"].Length);
        foreach (var (name, values) in context.Request.Headers)
        {
            seen[name] = values.ToString();
        }

        if (context.Request.Path.Value!.EndsWith("/held", StringComparison.Ordinal))
        {
            await _released.Task.WaitAsync(context.RequestAborted);
        }

        context.Response.Headers["X-Origin"] = "yes";
        if (context.Request.Path.Value.EndsWith("/bytes", StringComparison.Ordinal))
        {
            foreach (var name in Bytes)
            {
                context.Response.Headers[name.Key] = name.ToArray();
            }

            return;
        }

        if (context.Request.Path.StartsWithSegments("/events", StringComparison.Ordinal))
        {
            await SendEventsAsync(context);
            return;
        }

        if (context.Request.Path.StartsWithSegments("/ssi", StringComparison.Ordinal))
        {
            context.Response.ContentType = "text/html";
            await context.Response.WriteAsync("<!--#include virtual=\"/included?x=EVIL\" -->", context.RequestAborted);
            return;
        }

        if (context.Request.Path.StartsWithSegments("/accel", StringComparison.Ordinal))
        {
            context.Response.Headers["X-Accel-Redirect"] = "/redirected";
            return;
        }

        if (context.Request.Path.StartsWithSegments("/discard", StringComparison.Ordinal))
        {
            context.Response.ContentLength = 0;
            return;
        }

        context.Response.ContentType = "application/json";
        if (context.Request.Path.Value!.EndsWith("/mirror", StringComparison.Ordinal))
        {
            context.Response.Headers["X-Mirrored"] = seen[":body"];
            await context.Response.WriteAsync(seen[":body"], context.RequestAborted);
            return;
        }

        var answer = JsonSerializer.SerializeToUtf8Bytes(seen);
        if (context.Request.Path.StartsWithSegments("/sized", StringComparison.Ordinal))
        {
            context.Response.ContentLength = answer.Length;
        }

        await context.Response.Body.WriteAsync(answer, context.RequestAborted);
    }

    // An event stream: one event at once, the next only after the client has had time to be cut off.
    private static async Task SendEventsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        for (var i = 0; i < 3; i++)
        {
            await context.Response.WriteAsync($"data: {i}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, context.RequestAborted);
        }
    }
}
