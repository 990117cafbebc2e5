using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What of a client Caddy itself changes or loses on the way to the question.</summary>
[Category("EndToEnd")]
[TestFixture(CaddySetup.FailOpen)]
[TestFixture(CaddySetup.ShortForm)]
internal sealed class CaddyHostileClientTests(CaddySetup setup)
{
    private CaddyStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await CaddyStack.StartAsync(setup);

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [TestCase("//odd//path")]
    [TestCase("/a/../b")]
    [TestCase("/a%2fb?c=%2e&d")]
    [TestCase("/a??b")]
    [TestCase("/?")]
    public async Task OddPath_ReachesTheUpstreamAsItIs(string target)
    {
        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target} HTTP/1.1");

        Assert.That(answer.Body, Does.Contain($"\":target\":\"{target.Replace("&", "\\u0026", StringComparison.Ordinal)}\""));
    }

    /// <summary>
    /// Where its rewrite to the question changes nothing, Caddy sends the client's body to the sidecar; the ready rewrite always changes something.
    /// </summary>
    [Test]
    public async Task BodyOfAGetToTheQuestionsPath_IsNotTakenForTheQuestions()
    {
        string[] body = ["Content-Length: 9", "Connection: close", "", "some body"];

        var allowed = await RawHttp.SendAsync(_stack.Port, "GET /v1/forward-auth HTTP/1.1", body);
        var blocked = await RawHttp.SendAsync(_stack.Port, "GET /v1/forward-auth?attack HTTP/1.1", body);

        if (setup == CaddySetup.ShortForm)
        {
            Assert.That(
                new[] { allowed.Status, blocked.Status }, Is.All.GreaterThanOrEqualTo(400), "Caddy loses the body on the way, and nothing passes without it");
        }
        else
        {
            Assert.That((allowed.Status, blocked.Status), Is.EqualTo((200, 403)));
            Assert.That(
                allowed.Body,
                Does.Contain("\":body\":\"some body\"").And.Contain("\"X-Sidecar-Bypassed\":\"no-body\""),
                "the client's own, marked because no agent saw it");
        }
    }

    [Test]
    public async Task LargeHeader_IsInspectedOrRefused()
    {
        var inspected = await RawHttp.SendAsync(_stack.Port, "GET /attack HTTP/1.1", "X-Large: " + new string('a', 20 * 1024));
        var refused = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", "X-Huge: " + new string('a', 200 * 1024));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(inspected.Status, Is.EqualTo(403));
            Assert.That(refused.Status, Is.EqualTo(setup == CaddySetup.ShortForm ? 403 : 431), "403 of the sidecar, or 431 of Caddy by its own limit");
            Assert.That(
                await _stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\"", "cause=\"malformed\""),
                Is.EqualTo(setup == CaddySetup.ShortForm ? 1 : 0));
        }
    }
}
