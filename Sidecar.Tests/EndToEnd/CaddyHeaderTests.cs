using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What Caddy makes of headers that are there, changed or absent, by the ready configuration and by the short form.</summary>
[Category("EndToEnd")]
[TestFixture(CaddySetup.Ready)]
[TestFixture(CaddySetup.ShortForm)]
internal sealed class CaddyHeaderTests(CaddySetup setup)
{
    private CaddyStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await CaddyStack.StartAsync(setup);

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [Test]
    public async Task Allow_PassesWithTheAgentsHeaders()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello?a=b HTTP/1.1", "X-User: mallory", "X-Client-Secret: s3cret");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Header("X-Origin"), Is.EqualTo("yes"));
            Assert.That(answer.Body, Does.Contain("\"X-User\":\"alice\""), "a request header is set, the client's own never passes");
            Assert.That(answer.Body, Does.Not.Contain("s3cret"), "a request header is removed");
            Assert.That(answer.Body, Does.Contain("\":target\":\"/hello?a=b\""));
            Assert.That(answer.Body, Does.Not.Contain("{http"), "no placeholder stands in for an absent header");
            Assert.That(answer.Body, Does.Match("\"X-Sidecar-Id\":\"[0-9a-f]{32}\""));
        }
    }

    [Test]
    public async Task Allow_WhatNoAgentTouchedIsEmptyOrAbsent()
    {
        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1");
        var isEmpty = answer.Body.Contains("\"X-Client-Secret\":\"\"", StringComparison.Ordinal);

        var keepsEmpty = setup == CaddySetup.ShortForm && await PeerPrograms.VersionAsync("caddy") < new Version(2, 11);
        Assert.That(isEmpty, Is.EqualTo(keepsEmpty), "of Caddy 2.6 only the ready configuration can take an empty header away");
        Assert.That(answer.Body.Contains("X-Client-Secret", StringComparison.Ordinal), Is.EqualTo(isEmpty));
    }
}
