using System.Net;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A client of a real HAProxy gets a tunnel for a WebSocket only: behind any other protocol requests would pass that nobody is asked about.</summary>
[Category("EndToEnd")]
internal sealed class HaproxyUpgradeTests
{
    private const string Names = ",header-form=names,set-headers=X-User,edit-headers=X-Client-Secret,response-headers=X-Frame-Options";
    private const string Key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";

    private static readonly string[] Upgrades =
    [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA", "Connection: Upgrade\r\nUpgrade: h2c",
        "Connection: upgrade\r\nUpgrade: foo/1",
        $"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n{Key}", $"Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n{Key}",
        $"Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n{Key}",
        $"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n{Key}", "Connection: Upgrade\r\nUpgrade: TLS/1.0", "Connection: Upgrade\r\nUpgrade:",
    ];

    [TestCase("haproxy.cfg", "")]
    [TestCase("haproxy-fail-open.cfg", "")]
    [TestCase("haproxy-no-lua.cfg", Names)]
    public async Task NoOtherProtocol_CarriesRequestsPastTheAgents(string file, string listenKeys)
    {
        await using var origin = new RawOrigin();
        await using var agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders };
        await using var stack = await HaproxyStack.StartAsync(agent, file: file, listenKeys: listenKeys, edit: origin.InPlaceOfOrigin);
        foreach (var (number, upgrade) in Upgrades.Index())
        {
            var answer = await RawHttp.ExchangeTextAsync(
                stack.Port,
                $"GET /first/{number} HTTP/1.1\r\nHost: shop.example.org\r\n{upgrade}\r\n\r\nGET /second/{number} HTTP/1.1\r\nHost: "
                    + $"shop.example.org\r\nConnection: close\r\n\r\n");

            // HAProxy 3 itself makes a WebSocket of a list with one in it.
            Assert.That(answer, Does.Not.Contain("h2c").And.Not.Contain("foo").And.Not.Contain("TLS"), upgrade);
        }

        await new BodyCase(
            0,
            "",
            IsHttp2: true,
            IsOrdinary: false,
            [
                [
                    .. RawHttp2.Preface,
                    .. RawHttp2.Headers(
                        0, (":method", "CONNECT"), (":protocol", "foo"), (":scheme", "http"), (":authority", "shop.example.org"), (":path", "/extended")),
                ],
            ]).SendAsync(stack.Port);

        var protocols = origin.Requests.Select(static request => request.Header("upgrade")).Where(static protocol => protocol is not null);
        Assert.That(protocols, Is.All.EqualTo("websocket"));
        var seen = agent.Seen.OfType<RequestHeadersEvent>().Select(static message => message.Uri).ToList();
        Assert.That(origin.Requests.Select(static request => request.Target), Is.SubsetOf(seen).And.Exactly(Upgrades.Length).StartsWith("/first/"));
    }

    [TestCase("haproxy.cfg", "")]
    [TestCase("haproxy-fail-open.cfg", "")]
    [TestCase("haproxy-no-lua.cfg", Names)]
    public async Task WebSocket_IsTunnelled_AndItsConnectionHeaderIsHaproxysOwn(string file, string listenKeys)
    {
        await using var origin = new RawOrigin();
        await using var agent = new LambdaAgent("demo") { Supports = EventSet.RequestHeaders };
        await using var stack = await HaproxyStack.StartAsync(agent, file: file, listenKeys: listenKeys, edit: origin.InPlaceOfOrigin);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2), TimeProvider.System);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, stack.Port), limit.Token);

        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /socket HTTP/1.1\r\nHost: shop.example.org\r\nConnection: keep-alive, Upgrade, X-User\r\nUpgrade: WebSocket\r\n{Key}\r\n\r\n"), limit.Token);
        Assert.That(await ReceiveUntilAsync(socket, "\r\n\r\n", limit.Token), Does.StartWith("HTTP/1.1 101 "));
        await socket.SendAsync("frames"u8.ToArray(), limit.Token);
        Assert.That(await ReceiveUntilAsync(socket, "frames", limit.Token), Does.EndWith("frames"));

        Assert.That(origin.Tunnelled, Is.EqualTo("frames"));
        var got = origin.Requests.Single(static request => request.Target == "/socket");
        Assert.That((got.Header("connection"), got.Header("upgrade")), Is.EqualTo(("upgrade", "WebSocket")));
    }

    private static async Task<string> ReceiveUntilAsync(Socket socket, string end, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().EndsWith(end, StringComparison.Ordinal) && await socket.ReceiveAsync(buffer, cancellation) is > 0 and var count)
        {
            text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return text.ToString();
    }
}
