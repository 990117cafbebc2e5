using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What an agent is told of a request does not depend on whether nginx or HAProxy asks, but for the differences that README.md's table names.</summary>
[Category("EndToEnd")]
internal sealed class HaproxyEventTests
{
    private static readonly string[][] Requests =
    [
        ["GET / HTTP/1.1"],
        ["GET /a/b?c=d&e=%2f HTTP/1.1", "Accept: text/html", "Accept: text/plain", "Cookie: a=b", "Cookie: c=d", "User-Agent: test"],
        ["GET /empty-query? HTTP/1.1", "X-Empty:", "X-Latin: caf\u00e9", "X-Utf8: caf\u00c3\u00a9"],
        ["GET //double//slash/../up/%2e%2e/./x;p=1 HTTP/1.1", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        ["HEAD /head HTTP/1.1", "X-Forwarded-For: 203.0.113.9", "Connection: keep-alive", "Keep-Alive: 300", "TE: trailers"],
        ["DELETE /thing HTTP/1.1", "Content-Length: 0", "X-Sidecar-Id: forged", "X_Sidecar_Cause: forged", "X-User: mallory"],
        ["GET http://shop.example.org/absolute?x HTTP/1.1"],
    ];

    [TestCaseSource(nameof(Requests))]
    public async Task SameRequest_SameEvent(params string[] request)
    {
        await using var agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders };
        await using var stack = await HaproxyStack.StartAsync(agent, listenKeys: "");
        var nginxSocket = stack.Files.Socket("http");
        await using var second = await SidecarCommand.StartDaemonAsync(
            "--agent", $"demo={stack.Files.Socket("agent")},timeout=40s", "--listen", $"http={nginxSocket},proxy=nginx,budget=50s");
        await second.WaitForAsync("agent demo is reachable");
        await using var nginx = await NginxServer.StartAsync(nginxSocket, stack.Origin.Port);
        var before = agent.Seen.Count;

        var throughHaproxy = await RawHttp.SendAsync(stack.Port, request[0], request.Skip(1));
        var throughNginx = await RawHttp.SendAsync(nginx.Port, request[0], request.Skip(1));

        var events = agent.Seen.Skip(before).OfType<RequestHeadersEvent>().ToList();
        Assert.That(events, Has.Count.EqualTo(2), $"HAProxy {throughHaproxy.Status}, nginx {throughNginx.Status}");
        Assert.That(Describe(events[0]), Is.EqualTo(Describe(events[1])));
    }

    [Test]
    public async Task OptionsOfTheServer_HasAnAsteriskForItsTarget()
    {
        await using var agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders };
        await using var stack = await HaproxyStack.StartAsync(agent);

        await RawHttp.SendAsync(stack.Port, "OPTIONS * HTTP/1.1");

        Assert.That(agent.Seen.OfType<RequestHeadersEvent>().Last().Uri, Is.EqualTo("*"));
    }

    // Ids, ports and times are of the one request; the order of headers of different names means nothing.
    private static string Describe(RequestHeadersEvent message)
    {
        var metadata = message.Metadata;
        var text = new StringBuilder();
        text.AppendLine(null, $"{message.Method} {message.Uri}");
        text.AppendLine(null, $"ip {metadata.ClientIp} port {metadata.ClientPort > 0} server {metadata.ServerName} protocol {metadata.Protocol} tls {metadata.TlsVersion}/{metadata.TlsCipher}");
        text.AppendLine(null, $"route {metadata.RouteId} trace {metadata.Traceparent} id {metadata.RequestId.Length > 0} time {metadata.Timestamp.Length}");
        var headers = message.Headers;
        foreach (var name in Enumerable.Range(0, headers.Count).Select(i => Encoding.UTF8.GetString(headers.Name(i))).Distinct().Order(StringComparer.Ordinal))
        {
            text.AppendLine(null, $"{name}: {string.Join(" | ", headers.GetAll(name))}");
        }

        return text.ToString();
    }
}
