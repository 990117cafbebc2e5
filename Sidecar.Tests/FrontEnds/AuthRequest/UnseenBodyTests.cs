using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

/// <summary>A request whose body the proxy does not hand over: an agent that wants bodies was not shown everything, and that is visible.</summary>
[TestFixture]
internal sealed class UnseenBodyTests
{
    private static readonly (string, string)[] WithBody = [("X-Original-Method", "POST"), ("X-Sidecar-Content-Length", "5")];

    [TestCase("POST", "content-length", "5", "HTTP/1.1", "no-body")]
    [TestCase("POST", "content-length", "0", "HTTP/1.1", "")]
    [TestCase("POST", "content-length", "000", "HTTP/1.1", "")]
    [TestCase("POST", "content-length", "00x", "HTTP/1.1", "no-body")]
    [TestCase("GET", "content-length", "18446744073709551616", "HTTP/1.1", "no-body")]
    [TestCase("GET", "transfer-encoding", "chunked", "HTTP/1.1", "no-body")]
    [TestCase("POST", "x", "y", "HTTP/1.1", "")]
    [TestCase("POST", "x", "y", "HTTP/2.0", "no-body")]
    [TestCase("PATCH", "content-length", "0", "HTTP/3.0", "")]
    [TestCase("GET", "x", "y", "HTTP/2.0", "maybe-body")]
    [TestCase("DELETE", "x", "y", "HTTP/3.0", "maybe-body")]
    [TestCase("GET", "content-length", "0", "HTTP/3.0", "")]
    [TestCase("GET", "x", "y", "HTTP/11", "maybe-body", Description = "a protocol that nobody knows")]
    [TestCase("GET", "x", "y", "HTTP/1.0", "")]
    public async Task AgentThatTakesBodies_IsBypassedWhenThereMayBeOne(string method, string name, string value, string protocol, string cause)
    {
        await using var harness = await HttpHarness.StartAsync(Agent());
        var told = name == "x" ? name : "X-Sidecar-" + name;
        using var answer = await harness.CheckAsync(("X-Original-Method", method), (told, value), ("X-Sidecar-Protocol", protocol));
        Assert.That((answer.Code(), answer.One("X-Sidecar-Action"), answer.One("X-Sidecar-Cause")), Is.EqualTo((200, "allow", cause)));
        Assert.That(harness.Ended(cause == "" ? "inspected" : "bypassed", cause == "" ? "none" : cause), Is.EqualTo(1));
    }

    /// <summary>The ready configurations ask there when a body that nothing announces does not go on; only they choose the path.</summary>
    [TestCase("GET", "HTTP/2.0", "")]
    [TestCase("POST", "HTTP/2.0", "no-body")]
    [TestCase("GET", "HTTP/3.0", "")]
    public async Task ConfigurationThatLetsNoBodyPassUnannounced_IsBelieved(string method, string protocol, string cause)
    {
        await using var harness = await HttpHarness.StartAsync(Agent());
        using var answer = await harness.AskAsync("/check/announced", ("X-Original-Method", method), ("X-Sidecar-Protocol", protocol));
        Assert.That((answer.Code(), answer.One("X-Sidecar-Cause")), Is.EqualTo((200, cause)));
    }

    [TestCase("5", "no-body")]
    [TestCase("0", "")]
    [TestCase("", "")]
    public async Task LengthThatCaddysReadyConfigurationTells_Counts(string length, string cause)
    {
        await using var harness = await HttpHarness.StartAsync(HttpHarness.Defaults with { Dialect = ProxyProfile.Caddy }, [Agent()]);
        using var answer = await harness.AskAsync(
            "/v1/forward-auth/announced", ("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/"), ("X-Sidecar-Content-Length", length));
        Assert.That((answer.Code(), answer.One("X-Sidecar-Cause")), Is.EqualTo((200, cause)));
    }

    /// <summary>There the header is a client's own.</summary>
    [Test]
    public async Task LengthThatAClientTells_IsRefused()
    {
        await using var harness = await HttpHarness.StartAsync(HttpHarness.Defaults with { Dialect = ProxyProfile.Caddy }, [Agent()]);
        using var answer = await harness.AskAsync(
            "/v1/forward-auth", ("X-Forwarded-Method", "POST"), ("X-Forwarded-Uri", "/"), ("X-Sidecar-Content-Length", "0"));
        Assert.That((answer.Code(), harness.Ended("refused", "malformed")), Is.EqualTo((403, 1L)));
    }

    [TestCase("POST", "no-body")]
    [TestCase("GET", "maybe-body")]
    public async Task ProxyThatTellsNoLength_GoesByTheMethod(string method, string cause)
    {
        await using var harness = await HttpHarness.StartAsync(HttpHarness.Defaults with { Dialect = ProxyProfile.Caddy }, [Agent()]);
        using var answer = await harness.CheckAsync(("X-Forwarded-Method", method), ("X-Forwarded-Uri", "/"), ("X-Forwarded-Proto", "https"));
        Assert.That((answer.Code(), answer.One("X-Sidecar-Cause")), Is.EqualTo((200, cause)));
    }

    [Test]
    public async Task Operator_IsToldOncePerMinute()
    {
        await using var harness = await HttpHarness.StartAsync(Agent());
        for (var i = 0; i < 3; i++)
        {
            (await harness.CheckAsync(WithBody)).Dispose();
        }

        Assert.That(harness.Ended("bypassed", "no-body"), Is.EqualTo(3));
        Assert.That(harness.Daemon.Logs.Collector.GetSnapshot().Count(static entry => entry.Id.Id == 1306), Is.EqualTo(1));
        Assert.That(
            harness.Daemon.Sums.Sum("agent.exchanges", ("agent", "waf"), ("direction", "request"), ("state", "bypassed"), ("cause", "no-body")),
            Is.EqualTo(3));
    }

    [Test]
    public async Task AgentThatCanDoWithout_IsInspected()
    {
        var agent = Agent();
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf") { Policy = agent.Policy with { BodyIsOptional = true } });
        using var answer = await harness.CheckAsync(WithBody);
        Assert.That((answer.One("X-Sidecar-Cause"), harness.Ended("inspected", "none")), Is.EqualTo(("", 1L)));
    }

    [Test]
    public async Task AgentThatIsForHeadersOnly_IsInspected()
    {
        await using var harness = await HttpHarness.StartAsync(new TestAgent("waf"));
        using var answer = await harness.CheckAsync(WithBody);
        Assert.That((answer.One("X-Sidecar-Cause"), harness.Ended("inspected", "none")), Is.EqualTo(("", 1L)));
    }

    [TestCase("block")]
    [TestCase("redirect")]
    public async Task RequestThatDoesNotPass_BypassesNobody(string decision)
    {
        var agent = new TestAgent("waf", decision == "block" ? Answer.Block() : Answer.Redirect("/x")) { Policy = Agent().Policy };
        await using var harness = await HttpHarness.StartAsync(agent);
        using var answer = await harness.CheckAsync(WithBody);
        Assert.That((answer.Code(), answer.One("X-Sidecar-Cause"), harness.Ended("inspected", "none")), Is.EqualTo((403, "", 1L)));
    }

    private static TestAgent Agent() => new("waf") { Policy = new TestAgent("x").Policy with { Events = EventSet.RequestHeaders | EventSet.RequestBodyChunk } };
}
