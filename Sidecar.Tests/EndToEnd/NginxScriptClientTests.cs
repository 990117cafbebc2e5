using System.Net.WebSockets;
using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Nothing that a client sends to nginx with a script hides anything from the agents or is believed.</summary>
[TestFixture(NginxScript.Lua)]
[TestFixture(NginxScript.Njs)]
[Category("EndToEnd")]
internal sealed class NginxScriptClientTests(NginxScript script)
{
    private readonly LambdaAgent _agent = new("demo");
    private ScriptStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        // Only Lua can take away what nginx lets through under names with underscores.
        var underscores = script == NginxScript.Lua ? "    underscores_in_headers on;\n" : "";
        _stack = await ScriptStack.StartAsync(script, new ScriptStackSetup { Agent = _agent, Http = underscores + "    large_client_header_buffers 8 512k;" });
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _stack.DisposeAsync();
        await _agent.DisposeAsync();
    }

    [TestCase("//a//b")]
    [TestCase("/a%2fb/%2e%2e/c")]
    [TestCase("/a/../b/./c")]
    [TestCase("/p?a?b")]
    [TestCase("/p?")]
    [TestCase("/p?a=%00&b=%0d%0a")]
    [TestCase("/%7euser;v=1/caf%C3%A9/%ff")]
    [TestCase("/p\"'\\<>{}|^`")]
    [TestCase("/whole//a%2fb/..?a?b")]
    [TestCase("/whole/p?")]
    public async Task Target_IsSeenByAgentAndUpstreamByteForByte(string target)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target} HTTP/1.1");

        Assert.That((answer.Status, Last().Uri), Is.EqualTo((200, target)));
        Assert.That(ScriptStack.Seen(answer)[":target"], Is.EqualTo(target));
    }

    [TestCase("/caf\u00e9?\u00ff\u0080", "/caf\u00e9?\u00ff\u0080", Description = "no UTF-8: Latin-1")]
    [TestCase("/caf\u00c3\u00a9", "/caf\u00e9", Description = "UTF-8")]
    public async Task RawBytes_InTheTargetReachTheAgent(string sent, string seen)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {sent} HTTP/1.1", "X-Name: J\u00f6rg", "X-Name: J\u00c3\u00b6rg");

        // The upstream of this test refuses raw bytes in a path with 400; that it was asked is what matters.
        Assert.That(answer.Status, Is.EqualTo(200).Or.EqualTo(400));
        Assert.That(Last().Uri, Is.EqualTo(seen));
        Assert.That(Last().Headers.GetAll("x-name"), Is.EqualTo(new[] { "J\u00f6rg", "J\u00f6rg" }));
    }

    [Test]
    public async Task RawBytes_InRepeatedHeadersReachTheAgentValueForValue()
    {
        (string Name, string Sent, string Seen)[] sent =
        [
            ("x-b", "one", "one"), ("x-b", "J\u00f6rg, second", "J\u00f6rg, second"), ("x-b", "\u00e2, \u00c3", "\u00e2, \u00c3"), ("x-b", "", ""),
            ("x-b", "\u00c3\u00b6, ,", "\u00f6, ,"),
            ("cookie", "a=\u00ff; b, c", "a=\u00ff; b, c"), ("cookie", "\u00f0\u009f\u0098", "\u00f0\u009f\u0098"),
            ("x-r", "\u00ef\u00bf\u00bd", "\ufffd"), ("x-r", "\u00ef\u00bf", "\u00ef\u00bf"),
            ("constructor", "\u00ff", "\u00ff"), ("user-agent", "\u00fc, \u00fc", "\u00fc, \u00fc"), ("referer", "\u00ed\u00a0\u0080", "\u00ed\u00a0\u0080"),
        ];

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /bytes HTTP/1.1", sent.Select(static header => $"{header.Name}: {header.Sent}"));

        // The upstream of this test refuses such bytes; that it was asked is what matters.
        Assert.That((answer.Status, Last().Uri), Is.EqualTo((400, "/bytes")));
        foreach (var name in sent.GroupBy(static header => header.Name))
        {
            Assert.That(Last().Headers.GetAll(name.Key), Is.EqualTo(name.Select(static header => header.Seen)), name.Key);
        }
    }

    [Test]
    public async Task Headers_AreSeenAsTheUpstreamGetsThem()
    {
        var long1 = new string('c', 60_000);
        string[] sent = ["X-A: 1", "x-a: 2", "X-Empty:", "X-Spaces:   s p  ", "Cookie: a=1", "Cookie: b=2", $"X-Long: {long1}", "X-Quote: \"\\/"];

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /headers HTTP/1.1", sent);

        var (seen, headers) = (ScriptStack.Seen(answer), Last().Headers);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(headers.GetAll("x-a"), Is.EqualTo(new[] { "1", "2" }));
            Assert.That(headers.GetAll("x-empty"), Is.EqualTo(new[] { "" }));
            Assert.That(headers.GetAll("x-spaces"), Is.EqualTo(new[] { "s p" }));
            Assert.That(headers.GetAll("cookie"), Is.EqualTo(new[] { "a=1", "b=2" }));
            Assert.That(headers.GetAll("x-long"), Is.EqualTo(new[] { long1 }));
            Assert.That(headers.GetAll("x-quote"), Is.EqualTo(new[] { "\"\\/" }));
            Assert.That(headers.GetAll("host"), Is.EqualTo(new[] { "shop.example.org" }));
            Assert.That((seen["X-Spaces"], seen["X-Long"], seen["Host"]), Is.EqualTo(("s p", long1, "shop.example.org")));
            Assert.That(Last().Metadata.ClientIp, Is.EqualTo("127.0.0.1"));
            Assert.That(Last().Metadata.Protocol, Is.EqualTo("HTTP/1.1"));
        }
    }

    [TestCase("X-A: 1\nX-Hidden: evil", Description = "a line that ends in a bare line feed")]
    [TestCase("X-Hidden: evil  ", Description = "space behind the value")]
    [TestCase("X-A\r\nX-Hidden: evil", Description = "behind a line without a colon")]
    public async Task OddLine_HidesNoHeader(string lines)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /odd HTTP/1.1", lines);

        Assert.That(answer.Status, Is.EqualTo(200).Or.EqualTo(400));
        if (answer.Status == 200)
        {
            Assert.That(ScriptStack.Seen(answer)["X-Hidden"], Is.EqualTo("evil"));
            Assert.That(Last().Headers.GetAll("x-hidden"), Is.EqualTo(new[] { "evil" }));
        }
    }

    [TestCase("GET /old HTTP/1.0\r\n\r\n")]
    [TestCase("GET /old\r\n")]
    public async Task RequestWithoutHeaders_IsInspected(string request)
    {
        _agent.Answers = static (_, _) => new(Answer.Block(418));
        var before = _agent.Seen.Count;
        try
        {
            // HTTP/0.9 has answers without a head.
            Assert.That(await RawHttp.ExchangeTextAsync(_stack.Port, request), Does.Contain("418 Request Refused"));
        }
        finally
        {
            _agent.Answers = static (_, _) => new(AgentResponse.Allow);
        }

        Assert.That((_agent.Seen.Count > before, Last().Uri), Is.EqualTo((true, "/old")));
    }

    [TestCase("X-Sidecar-Id: forged")]
    [TestCase("X-Sidecar-Bypassed: forged")]
    [TestCase("X-Sidecar-Audit: forged")]
    [TestCase("X-User: forged")]
    [TestCase("X_Sidecar_Id: forged")]
    [TestCase("X_User: forged")]
    public async Task ForgedHeader_NeverReachesTheUpstream(string header)
    {
        foreach (var path in (string[])["/hello", "/whole/hello"])
        {
            var answer = await RawHttp.SendAsync(_stack.Port, $"GET {path} HTTP/1.1", header);

            Assert.That((answer.Status, answer.Body), Is.EqualTo((200, answer.Body)));
            Assert.That(answer.Body, Does.Not.Contain("forged"));
        }
    }

    [Test]
    public async Task HugeHeader_IsRefusedAndCounted()
    {
        var before = await _stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\"", "cause=\"malformed\"");

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", "X-Huge: " + new string('a', 200 * 1024));

        Assert.That(answer.Status, Is.EqualTo(403));
        await _stack.EndedAsync("refused", "malformed", before + 1);
    }

    [Test]
    public async Task OtherHost_IsRefused()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET http://other.example/hello HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(403));
    }

    [Test]
    public async Task WebSocket_PassesWithWhatTheAgentsSaid()
    {
        _agent.Answers = static (_, _) => new(AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("X-User", "alice")));
        using var socket = new ClientWebSocket();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60), TimeProvider.System);
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{_stack.Port}/chat"), limit.Token);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, limit.Token);
        var buffer = new byte[100];
        var message = await socket.ReceiveAsync(buffer.AsMemory(), limit.Token);
        _agent.Answers = static (_, _) => new(AgentResponse.Allow);

        Assert.That(Encoding.UTF8.GetString(buffer, 0, message.Count), Is.EqualTo("alice said hello"));
        Assert.That((Last().Uri, Last().Headers.Get("upgrade")), Is.EqualTo(("/chat", "websocket")));
    }

    [TestCase("h2c")]
    [TestCase("websocket, h2c")]
    public async Task OtherUpgrade_IsNotPassedOn(string protocol)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", $"Upgrade: {protocol}", "HTTP2-Settings: AAMAAABkAAQAAP__");

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(ScriptStack.Seen(answer).Keys, Has.None.EqualTo("Upgrade").IgnoreCase);
    }

    private RequestHeadersEvent Last() => _agent.Seen.OfType<RequestHeadersEvent>().Last();
}
