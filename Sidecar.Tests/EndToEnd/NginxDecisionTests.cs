using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Every decision an agent can make arrives at the client of a real nginx.</summary>
[Category("EndToEnd")]
internal sealed class NginxDecisionTests
{
    private Stack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await Stack.StartAsync(locations: """
                location /closed {
                    include sidecar-protect.conf;
                    deny all;
                    proxy_pass http://origin;
                }
                location /limited {
                    include sidecar-protect.conf;
                    limit_req zone=one;
                    proxy_pass http://origin;
                }
                location /dead {
                    include sidecar-protect.conf;
                    proxy_pass http://127.0.0.1:9;
                }
        """, http: "    limit_req_zone $remote_addr zone=one:1m rate=1r/m;");

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [Test]
    public async Task Allow_PassesWithTheAgentsHeaders()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello?a=b HTTP/1.1", "X-User: mallory", "X-Client-Secret: s3cret", "Accept: text/plain");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Header("X-Origin"), Is.EqualTo("yes"));
            Assert.That(answer.Header("X-Frame-Options"), Is.EqualTo("DENY"), "a response header is set");
            Assert.That(answer.Body, Does.Contain("\"X-User\":\"alice\""), "a request header is set, the client's own never passes");
            Assert.That(answer.Body, Does.Not.Contain("s3cret"), "a request header is removed");
            Assert.That(answer.Body, Does.Contain("\":target\":\"/hello?a=b\""));
        }
    }

    [TestCase("/attack", 403)]
    [TestCase("/teapot", 418)]
    [TestCase("/slow-down", 429)]
    public async Task Block_ArrivesWithStatusBodyAndHeader(string path, int status)
    {
        var before = _stack.Origin.Requests;

        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {path} HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(status));
            Assert.That(answer.Body, Is.EqualTo("no entry for you"));
            Assert.That(answer.Header("X-Blocked-By"), Is.EqualTo("sidecar demo"));
            Assert.That(_stack.Origin.Requests, Is.EqualTo(before), "the upstream never saw it");
        }
    }

    [Test]
    public async Task Block_OfAPost_ArrivesToo()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "POST /teapot HTTP/1.1", "Content-Length: 0");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((418, "no entry for you")));
    }

    [Test]
    public async Task Redirect_ArrivesWithLocation()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /old-page HTTP/1.1");

        Assert.That((answer.Status, answer.Header("Location")), Is.EqualTo((302, "https://www.example.org/new")));
    }

    [Test]
    public async Task Challenge_ArrivesWithWwwAuthenticate()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /members HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(401));
            Assert.That(answer.Header("WWW-Authenticate"), Does.StartWith("Basic realm=\"sidecar demo\"").IgnoreCase);
        }
    }

    [Test]
    public async Task DenyAll_KeepsItsOwnAnswer()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /closed HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(403));
        Assert.That(answer.Body, Does.Contain("<center>nginx</center>"));
    }

    [Test]
    public async Task LimitReq_KeepsItsOwnAnswer()
    {
        await RawHttp.SendAsync(_stack.Port, "GET /limited HTTP/1.1");

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /limited HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(503));
        Assert.That(answer.Body, Does.Contain("<center>nginx</center>"), "not the page of the sidecar");
    }

    [Test]
    public async Task DeadOrigin_KeepsItsOwnAnswer()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /dead HTTP/1.1");

        Assert.That(answer.Status, Is.EqualTo(502));
        Assert.That(answer.Body, Does.Contain("<center>nginx</center>"));
    }

    [Test]
    public async Task AccessLog_NamesDecisionAndId()
    {
        await RawHttp.SendAsync(_stack.Port, "GET /teapot?log HTTP/1.1");

        await Support.Eventually.TrueAsync(
            () => _stack.Nginx.AccessLog.Split('\n').Any(static line => line.Contains("/teapot?log", StringComparison.Ordinal) && line.Contains("\"action\":\"block\"", StringComparison.Ordinal)),
            TimeSpan.FromSeconds(60), "the access log names the decision");
    }
}
