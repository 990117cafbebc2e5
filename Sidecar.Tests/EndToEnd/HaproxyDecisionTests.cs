using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Every decision an agent can make arrives at the client of a real HAProxy, with Lua and without.</summary>
[Category("EndToEnd")]
[TestFixture("haproxy.cfg", "")]
[TestFixture("haproxy-fail-open.cfg", "")]
[TestFixture("haproxy-no-lua.cfg", ",header-form=names,set-headers=X-User,edit-headers=X-Client-Secret,response-headers=X-Frame-Options")]
internal sealed class HaproxyDecisionTests(string file, string listenKeys)
{
    private HaproxyStack _stack = null!;

    private bool HasLua => file != "haproxy-no-lua.cfg";

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await HaproxyStack.StartAsync(file: file, listenKeys: listenKeys);

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [Test]
    public async Task Allow_PassesWithTheAgentsHeaders()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello?a=b HTTP/1.1", "X-User: mallory", "X-Client-Secret: s3cret", "X_Sidecar_Bypassed: me", "Accept: text/plain");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Header("X-Origin"), Is.EqualTo("yes"));
            Assert.That(answer.Header("X-Frame-Options"), Is.EqualTo("DENY"), "a response header is set");
            Assert.That(answer.Body, Does.Contain("\"x-user\":\"alice\"").IgnoreCase, "a request header is set, the client's own never passes");
            Assert.That(answer.Body, Does.Not.Contain("s3cret"), "a request header is removed");
            Assert.That(answer.Body, Does.Contain("\":target\":\"/hello?a=b\""));
            Assert.That(answer.Body, Does.Not.Contain("sidecar").IgnoreCase, "a client's own X-Sidecar headers never pass");
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
            Assert.That(answer.Status, Is.EqualTo(HasLua || status == 429 ? status : 403), "without Lua a status needs a rule");
            Assert.That(answer.Body, Is.EqualTo("no entry for you"));
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("text/plain; charset=utf-8"));
            Assert.That(answer.Header("X-Blocked-By"), Is.EqualTo(HasLua ? "sidecar demo" : ""));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(_stack.Origin.Requests, Is.EqualTo(before), "the upstream never saw it");
        }
    }

    [Test]
    public async Task Redirect_ArrivesWithLocation()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /old-page HTTP/1.1");

        Assert.That((answer.Status, answer.Header("Location")), Is.EqualTo((302, "https://www.example.org/new")));
    }

    [Test]
    public async Task Challenge_ArrivesWithItsHeader()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /members HTTP/1.1");

        Assert.That((answer.Status, answer.Header("WWW-Authenticate")), Is.EqualTo((401, "Basic realm=\"sidecar demo\"")));
    }

    [Test]
    public async Task HeadOfABlockedPage_HasNoBody()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "HEAD /attack HTTP/1.1");

        Assert.That((answer.Status, answer.Body), Is.EqualTo((403, "")));
    }

    [Test]
    public async Task Body_IsInspected()
    {
        var good = await HaproxyBodyTests.PostAsync(_stack.Port, new string('x', 1024));
        var bad = await HaproxyBodyTests.PostAsync(_stack.Port, new string('x', 1000) + "evil words");

        Assert.That((good.Status, bad.Status, bad.Body), Is.EqualTo((200, 403, "no entry for you")));
    }

    [Test]
    public async Task AuditAndDecision_AreInTheLog()
    {
        await RawHttp.SendAsync(_stack.Port, "GET /attack?for-the-log HTTP/1.1");

        await Support.Eventually.TrueAsync(
            () => _stack.Haproxy.Log.Split('\n').Any(static line => line.Contains("for-the-log", StringComparison.Ordinal)
                && line.Contains(" act=block ", StringComparison.Ordinal) && line.Contains("path:attack", StringComparison.Ordinal)),
            TimeSpan.FromSeconds(30),
            "the line of a blocked request");
    }
}
