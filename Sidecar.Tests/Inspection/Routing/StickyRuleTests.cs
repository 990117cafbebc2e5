using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Routing;

/// <summary>What names a client's session, and that routes keep it together.</summary>
public sealed class StickyRuleTests
{
    [TestCase("sid=one", "one")]
    [TestCase("a=b; sid=one; c=d", "one")]
    [TestCase("a=sid=two;  sid = \"one\" ;sid=later", "one")]
    [TestCase("xsid=two; Sid=three", null)]
    [TestCase("sid=", null)]
    [TestCase("sid", null)]
    [TestCase(";;=;sid;", null)]
    public void Cookie_IsFoundByItsExactName(string line, string? expected)
    {
        var request = Events.Request("x");
        request.Headers.Add("Cookie", line);
        Assert.That(KeyOf("cookie:sid", request), Is.EqualTo(expected is null ? default(StickyKey?) : StickyKey.Of("cookie:sid", expected)));
    }

    [Test]
    public void Cookie_IsFoundOnAnyLine()
    {
        var request = Events.Request("x");
        request.Headers.Add("cookie", "a=b");
        request.Headers.Add("cookie", "sid=one");
        Assert.That(KeyOf("cookie:sid", request), Is.EqualTo(StickyKey.Of("cookie:sid", "one")));
    }

    [Test]
    public void OtherSources_AreRead_AndAbsentOnesGiveNoSession()
    {
        var request = Events.Request("x") with { Metadata = new RequestMetadata { ClientIp = "10.0.0.1" } };
        Assert.That(KeyOf("header:X-Session", request), Is.Null);
        request.Headers.Add("x-session", "one");
        Assert.That(KeyOf("header:X-Session", request), Is.EqualTo(StickyKey.Of("header:x-session", "one")));
        Assert.That(KeyOf("client-address", request), Is.EqualTo(StickyKey.Of("client-address", "10.0.0.1")));
        Assert.That(KeyOf("client-address", Events.Request("x")), Is.Null);
        Assert.That((KeyOf("session", request), KeyOf("session", request, "s1")), Is.EqualTo((default(StickyKey?), StickyKey.Of("session", "s1"))));
    }

    [Test]
    public async Task RouteKeepsASessionsExchangesOnOneConnection_AndMovesThemWhenItDies()
    {
        await using var agent = new LambdaAgent("a");
        var options = new HarnessOptions
        {
            Connections = 4,
            Routes = on => [new RouteModel { Id = "all", Stages = [[on("a")]], Sticky = new StickyRule(StickyOptions.Parse("header:x-session")!) }],
        };
        await using var harness = await InspectionHarness.StartAsync(options, agent);
        for (var i = 0; i < 12; i++)
        {
            var request = Events.Request($"x{i}");
            request.Headers.Add("x-session", $"s{i % 3}");
            await harness.Client.AskAsync(request);
        }

        foreach (var session in agent.Seen.OfType<RequestHeadersEvent>().GroupBy(static request => request.Headers.Get("x-session")))
        {
            Assert.That(session.SelectMany(request => agent.ConnectionsOf(request.CorrelationId)).Distinct().Count(), Is.EqualTo(1), session.Key);
        }
    }

    private static StickyKey? KeyOf(string option, RequestHeadersEvent request, string? sessionId = null) =>
        new StickyRule(StickyOptions.Parse(option)!).KeyOf(request, sessionId);
}
