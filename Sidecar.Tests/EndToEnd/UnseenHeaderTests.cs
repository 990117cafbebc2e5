using System.Net.WebSockets;
using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What agents are not shown does not reach the upstream, under whatever name a client sends it.</summary>
[TestFixture(ProxySetup.NginxAuthRequest)]
[TestFixture(ProxySetup.NginxLua)]
[TestFixture(ProxySetup.NginxNjs)]
[TestFixture(ProxySetup.Caddy)]
[TestFixture(ProxySetup.Traefik)]
[Category("EndToEnd")]
internal sealed class UnseenHeaderTests(ProxySetup proxy)
{
    private WatchedStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await WatchedStack.StartAsync(proxy);

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [Test]
    public async Task WhatReachesTheUpstream_WasShownToTheAgent()
    {
        var (unseen, passed) = (new List<string>(), 0);
        foreach (var name in HostileHeaderNames.All)
        {
            // Once, and twice: proxies join what came twice, or tell one of the two.
            foreach (string[] values in (string[][])[["marker-one"], ["marker-one", "marker-two"]])
            {
                var asked = _stack.Origin.Requests;
                var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", values.Select(value => $"{name}: {value}"));
                if (answer.Header("X-Origin") != "yes")
                {
                    Assert.That(
                        (answer.Status is >= 400 and < 600, _stack.Origin.Requests), Is.EqualTo((true, asked)), $"{name}: refused, so it does not go on");
                    continue;
                }

                passed++;
                var shown = _stack.Last().Headers;
                unseen.AddRange(
                    from got in ScriptStack.Seen(answer)
                    from value in values
                    where got.Value.Contains(value, StringComparison.Ordinal) && !shown.GetAll(got.Key)
                        .Any(one => one.Contains(value, StringComparison.Ordinal))
                    select $"{name} as {got.Key}: {got.Value}");
            }
        }

        Assert.That(unseen, Is.Empty);
        Assert.That(passed, Is.GreaterThan(200), "most names are nobody's");
    }

    /// <summary>Proxies take away the headers that a client's Connection names: what the sidecar sets must not be among them.</summary>
    [Test]
    public async Task HeadersThatTheClientsConnectionNames_AreSetAllTheSame()
    {
        _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("X-User", "alice")));
        try
        {
            var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", "Connection: X-User, X-Sidecar-Id, X-Client-Secret", "X-Client-Secret: s");

            var seen = ScriptStack.Seen(answer);
            Assert.That((seen["X-User"], seen["X-Sidecar-Id"].Length), Is.EqualTo(("alice", 32)));

            // Traefik takes what a client's Connection names away before it asks: neither agent nor upstream gets it.
            var own = proxy == ProxySetup.Traefik ? "" : "s";
            Assert.That((_stack.Last().Headers.Get("x-client-secret") ?? "", seen.GetValueOrDefault("X-Client-Secret", "")), Is.EqualTo((own, own)));
        }
        finally
        {
            _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow);
        }
    }

    [TestCase("X_User")]
    [TestCase("X-User")]
    [TestCase("x_client_secret")]
    public async Task OtherSpellingOfWhatAgentsSet_NeverReachesTheUpstream(string name)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", $"{name}: forged");

        Assert.That(answer.Body, Does.Not.Contain("forged"));
    }

    [TestCase("foo/1")]
    [TestCase("h2c")]
    [TestCase("foo\r\nUpgrade: websocket")]
    public async Task UpgradeToAnythingButAWebSocket_IsNotPassedOn(string protocol)
    {
        var answer = await RawHttp.SendAsync(
            _stack.Port, "GET /hello HTTP/1.1", "Connection: Upgrade", $"Upgrade: {protocol}", "HTTP2-Settings: AAMAAABkAAQAAP__");

        var upgrade = answer.Header("X-Origin") == "yes" ? ScriptStack.Seen(answer).GetValueOrDefault("Upgrade", "") : "";
        Assert.That(upgrade, Is.Empty.Or.EqualTo("websocket"), "what follows an upgrade is not inspected");
    }

    [Test]
    public async Task WebSocket_PassesWithWhatTheAgentSaid()
    {
        _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("X-User", "alice")));
        try
        {
            using var socket = new ClientWebSocket();
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2), TimeProvider.System);
            await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{_stack.Port}/chat"), limit.Token);
            await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, limit.Token);
            var buffer = new byte[100];
            var message = await socket.ReceiveAsync(buffer.AsMemory(), limit.Token);

            Assert.That(Encoding.UTF8.GetString(buffer, 0, message.Count), Is.EqualTo("alice said hello"));
            Assert.That((_stack.Last().Uri, _stack.Last().Headers.Get("upgrade")), Is.EqualTo(("/chat", "websocket")));
        }
        finally
        {
            _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow);
        }
    }

    /// <summary>A page whose escapes make it longer than what nginx takes of an answer to a script.</summary>
    [Test]
    public async Task PageThatIsLongerThanTheProxyTakes_IsStillARefusal()
    {
        _stack.Agent.Answers = static (_, _) => new(Answer.Block(418).WithBody(new string('"', 1024 * 1024)));
        try
        {
            var asked = _stack.Origin.Requests;
            var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1");

            Assert.That((answer.Status, _stack.Origin.Requests), Is.EqualTo((418, asked)));
        }
        finally
        {
            _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow);
        }
    }
}
