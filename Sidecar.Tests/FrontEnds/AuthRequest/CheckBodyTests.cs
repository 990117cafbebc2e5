using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>Bodies of questions, which are the clients': shown where the listener says so, marked where they are not, always read.</summary>
internal sealed class CheckBodyTests
{
    private static readonly EventSet WithBodies = EventSet.RequestHeaders | EventSet.RequestBodyChunk;

    [TestCase("Content-Length: 5", "hello")]
    [TestCase("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    public async Task BodyOfAQuestion_IsTheClientsAndShown(string framing, string sent)
    {
        var waf = Bodies();
        await using var harness = await TraefikCheck.StartAsync(waf, HttpHarness.Defaults with { Bodies = RequestBodies.Shown });

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. TraefikCheck.Usual, framing, "Connection: close", "", sent]);

        Assert.That((answer.Status, answer.Header("X-Sidecar-Bypassed")), Is.EqualTo((200, "")));
        Assert.That(waf.Bodies, Is.EqualTo(new[] { "hello" }));
        Assert.That(harness.Ended("inspected", "none"), Is.EqualTo(1));
    }

    [Test]
    public async Task BodyOfAQuestion_CanBeBlockedAndNotChanged()
    {
        await using var blocks = await TraefikCheck.StartAsync(Bodies(Answer.Block(418)), HttpHarness.Defaults with { Bodies = RequestBodies.Shown });
        await using var changes = await TraefikCheck.StartAsync(
            Bodies(Answer.Allow.WithRequestBody("other"u8.ToArray(), 0)), HttpHarness.Defaults with { Bodies = RequestBodies.Shown });
        string[] question = [.. TraefikCheck.Usual, "Content-Length: 5", "Connection: close", "", "hello"];

        Assert.That((await blocks.SendAsync("GET /v1/forward-auth HTTP/1.1", question)).Status, Is.EqualTo(418));
        Assert.That((await changes.SendAsync("GET /v1/forward-auth HTTP/1.1", question)).Status, Is.EqualTo(503));
        Assert.That((changes.Unapplied("request-body"), changes.Ended("refused", "unapplied")), Is.EqualTo((1L, 1L)));
    }

    [TestCase("Transfer-Encoding: chunked", "zz\r\n", 403, "malformed")]
    [TestCase("Content-Length: 50", "hello", 504, "timeout")]
    public async Task BodyThatIsBrokenOrDoesNotCome_IsRefused(string framing, string sent, int status, string cause)
    {
        await using var harness = await TraefikCheck.StartAsync(
            Bodies(), HttpHarness.Defaults with { Bodies = RequestBodies.Shown, Budget = TimeSpan.FromSeconds(2) });

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. TraefikCheck.Usual, framing, "Connection: close", "", sent]);

        Assert.That((answer.Status, harness.Ended("refused", cause)), Is.EqualTo((status, 1L)));
    }

    [TestCase(RequestBodies.Kept, "no-body")]
    [TestCase(RequestBodies.Shown, "")]
    public async Task BodyOfAMethodThatUsuallyHasNone_IsNeverInspectedUnseen(RequestBodies bodies, string bypassed)
    {
        await using var harness = await TraefikCheck.StartAsync(Bodies(), HttpHarness.Defaults with { Bodies = bodies });
        string[] usual = [.. TraefikCheck.Usual.Select(static line => line.StartsWith("X-Forwarded-Method", StringComparison.Ordinal)
            ? "X-Forwarded-Method: DELETE"
            : line)];

        var answer = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. usual, "Content-Length: 5", "Connection: close", "", "hello"]);

        Assert.That((answer.Status, answer.Header("X-Sidecar-Bypassed")), Is.EqualTo((200, bypassed)));
        Assert.That(harness.Daemon.Inspector.Warnings.All, Has.Count.EqualTo(bypassed.Length > 0 ? 1 : 0));
    }

    /// <summary>That the proxy forwards bodies is known when one has come; before, nothing tells of those that it keeps.</summary>
    [Test]
    public async Task RequestsBeforeTheFirstBody_AreMarkedWhereTheirMethodIsMadeForOne()
    {
        await using var harness = await TraefikCheck.StartAsync(Bodies(), HttpHarness.Defaults with { Bodies = RequestBodies.Shown });

        var before = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", TraefikCheck.Usual);
        await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", [.. TraefikCheck.Usual, "Content-Length: 1", "Connection: close", "", "a"]);
        var after = await harness.SendAsync("GET /v1/forward-auth HTTP/1.1", TraefikCheck.Usual);

        Assert.That((before.Header("X-Sidecar-Bypassed"), after.Header("X-Sidecar-Bypassed")), Is.EqualTo(("maybe-body", "")));
        Assert.That(harness.Daemon.Inspector.Warnings.All.Single(), Does.Contain("forwardBody"));
    }

    /// <summary>Whoever writes into a connection that is closed meanwhile fails.</summary>
    [TestCase(RequestBodies.Kept)]
    [TestCase(RequestBodies.Shown)]
    public async Task BodyThatNobodyWants_IsReadAllTheSame(RequestBodies bodies)
    {
        await using var harness = await TraefikCheck.StartAsync(new TestAgent("waf", Answer.Block(418)), HttpHarness.Defaults with { Bodies = bodies });

        var answer = await harness.SendAsync(
            "GET /v1/forward-auth HTTP/1.1", [.. TraefikCheck.Usual, "Content-Length: 8000000", "Connection: close", "", new string('a', 8_000_000)]);

        Assert.That(answer.Status, Is.EqualTo(418));
    }

    [Test]
    public async Task BodyOfAQuestion_IsNotReadAndTheAnswerComes()
    {
        await using var harness = await TraefikCheck.StartAsync(new TestAgent("waf", Answer.Block(418)));

        var answer = await harness.SendAsync(
            "POST /v1/forward-auth HTTP/1.1", [.. TraefikCheck.Usual, "Content-Length: 4", "Connection: close", "", "body"]);

        Assert.That(answer.Status, Is.EqualTo(418));
    }

    private static TestAgent Bodies(AgentResponse? ofBody = null) =>
        new("waf") { Policy = new TestAgent("x").Policy with { Events = WithBodies }, OfBody = ofBody };
}
