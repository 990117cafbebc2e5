using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.EndToEnd.Traefik;

/// <summary>What agents say arrives at the client of a real Traefik and at its upstream, by Traefik's own rules.</summary>
[Category("EndToEnd")]
internal sealed class TraefikDecisionTests
{
    private TraefikStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await TraefikStack.StartAsync(
        ",response-headers=Set-Cookie", edit: static text => text.Replace("# addAuthCookiesToResponse", "addAuthCookiesToResponse", StringComparison.Ordinal));

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [SetUp]
    public void Allow() => _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow);

    [TestCase(300, 300)]
    [TestCase(403, 403)]
    [TestCase(418, 418)]
    [TestCase(451, 451)]
    [TestCase(503, 503)]
    [TestCase(599, 599)]
    [TestCase(200, 403, Description = "would be an allow")]
    [TestCase(204, 403)]
    [TestCase(205, 403)]
    [TestCase(299, 403)]
    public async Task Block_ArrivesWithItsPage(int asked, int status)
    {
        _stack.Agent.Answers = (_, _) => new(Answer.Block(asked).WithBody("no entry").WithHeader("x-why", "waf"));
        var before = _stack.Origin.Requests.Count;

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /x HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Body, answer.Header("x-why")), Is.EqualTo((status, "no entry", "waf")));
            Assert.That(answer.Header("X-Sidecar-Status"), Is.EqualTo(status == asked ? "" : $"{asked}"));
            Assert.That(answer.Header("X-Sidecar-Id"), Does.Match("^[0-9a-f]{32}$"));
            Assert.That(_stack.Origin.Requests, Has.Count.EqualTo(before));
        }
    }

    [Test]
    public async Task Allow_SetsAndRemovesWhatIsNamed()
    {
        _stack.Agent.Answers = static (_, _) => new(Answer.Allow
            .WithRequestHeaders(HeaderOperation.Set("X-User", "jürgen"), HeaderOperation.Remove("X-Client-Secret"))
            .WithResponseHeaders(HeaderOperation.Add("Set-Cookie", "session=1; Path=/")));

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /x HTTP/1.1", "X-User: mallory", "X-User: eve", "X-Client-Secret: s");

        var got = _stack.Origin.Requests.Last();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(got.All("x-user"), Is.EqualTo(new[] { "j\u00c3\u00bcrgen" }));
            Assert.That(got.Header("x-client-secret"), Is.Null.Or.Empty);
            Assert.That(got.Header("x-sidecar-secret"), Is.Null, "the secret never leaves the machine's own");
            Assert.That(answer.Header("Set-Cookie"), Is.EqualTo("session=1; Path=/"));
            Assert.That(_stack.Traefik.Log, Does.Contain("\"ClientUsername\":\"j"));
        }
    }

    [Test]
    public async Task Allow_KeepsAClientsOwnWhereNoAgentTouchesIt()
    {
        await RawHttp.SendAsync(_stack.Port, "GET /x HTTP/1.1", "X-Client-Secret: \u00e4 b", "X-User: mallory");

        var got = _stack.Origin.Requests.Last();
        Assert.That((got.Header("x-client-secret"), got.Header("x-user") ?? ""), Is.EqualTo(("\u00e4 b", "")));
    }

    [Test]
    public async Task RemovalWithoutAPlace_IsRefused()
    {
        _stack.Agent.Answers = static (_, _) => new(Answer.Allow.WithRequestHeaders(HeaderOperation.Remove("cookie")));
        var unapplied = await _stack.EndedAsync("refused", "unapplied");

        Assert.That((await RawHttp.SendAsync(_stack.Port, "GET /x HTTP/1.1", "Cookie: a=1")).Status, Is.EqualTo(503));
        await _stack.EndedAsync("refused", "unapplied", unapplied + 1);
    }

    [TestCase("GET")]
    [TestCase("DELETE")]
    [TestCase("get")]
    [TestCase("PRI")]
    [TestCase("A!#$%&'*+-.^_`|~9")]
    public async Task Method_IsSeenAsItReachesTheUpstream(string method)
    {
        await RawHttp.SendAsync(_stack.Port, $"{method} /m HTTP/1.1");

        Assert.That((_stack.Shown().Method, _stack.Origin.Requests.Last().Method), Is.EqualTo((method, method)));
    }

    [TestCase("/a/../b")]
    [TestCase("/a/%2e%2e/b")]
    [TestCase("//a//b")]
    [TestCase("/a%2fb%5c%00%ff%0d%0a")]
    [TestCase("/a?b=%2e;c;d&e=\u00e4")]
    [TestCase("http://other.example/a")]
    public async Task Target_IsSeenAsItReachesTheUpstream(string target)
    {
        var (before, asked) = (_stack.Origin.Requests.Count, _stack.Agent.Seen.Count);
        var answer = await RawHttp.ExchangeTextAsync(
            _stack.Port, $"GET {target} HTTP/1.1\r\nHost: {(target[0] == '/' ? "shop.example" : "other.example")}\r\nConnection: close\r\n\r\n");

        if (!answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
        {
            Assert.That(_stack.Origin.Requests, Has.Count.EqualTo(before), $"refused: {answer}");
            return;
        }

        Assert.That(_stack.Agent.Seen, Has.Count.GreaterThan(asked));
        Assert.That(WireText.Of(_stack.Origin.Requests.Last().Target), Is.EqualTo(_stack.Shown().Uri));
    }

    /// <summary>Traefik answers 501 in any case; it must not wait for the end of a tunnel that is none.</summary>
    [Test]
    public async Task Connect_ComesToAnEnd([Values] bool preservesMethod)
    {
        await using var stack = preservesMethod
            ? await TraefikStack.StartAsync(edit: static text => RealTraefik.Asking(text, "preserveRequestMethod: true"))
            : null;
        var answer = await RawHttp.ExchangeTextAsync(
            (stack ?? _stack).Port, "CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\nConnection: close\r\n\r\n");

        Assert.That(answer, Does.StartWith("HTTP/1.1 501").Or.StartWith("HTTP/1.1 4").Or.StartWith("HTTP/1.1 500"));
        Assert.That((stack ?? _stack).Origin.Requests, Has.None.Matches<OriginRequest>(static one => one.Method == "CONNECT"));
    }
}
