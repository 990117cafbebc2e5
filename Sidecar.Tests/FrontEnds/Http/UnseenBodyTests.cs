using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Http;
using Sidecar.Protocol.Agents;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Http;

/// <summary>A request whose body the proxy does not hand over: an agent that wants bodies was not shown everything, and that is visible.</summary>
[TestFixture]
internal sealed class UnseenBodyTests
{
    private static readonly (string, string)[] WithBody = [("X-Original-Method", "POST"), ("X-Sidecar-Content-Length", "5")];

    [TestCase("POST", "content-length", "5", "HTTP/1.1", true)]
    [TestCase("POST", "content-length", "0", "HTTP/1.1", false)]
    [TestCase("POST", "content-length", "000", "HTTP/1.1", false)]
    [TestCase("POST", "content-length", "00x", "HTTP/1.1", true)]
    [TestCase("GET", "content-length", "18446744073709551616", "HTTP/1.1", true)]
    [TestCase("GET", "transfer-encoding", "chunked", "HTTP/1.1", true)]
    [TestCase("POST", "x", "y", "HTTP/1.1", false)]
    [TestCase("POST", "x", "y", "HTTP/2.0", true)]
    [TestCase("PATCH", "content-length", "0", "HTTP/3.0", false)]
    [TestCase("GET", "x", "y", "HTTP/2.0", false)]
    public async Task AgentThatTakesBodies_IsBypassedWhenThereIsOne(string method, string name, string value, string protocol, bool hasBody)
    {
        await using var harness = await HttpHarness.StartAsync(Agent());
        var told = name == "x" ? name : "X-Sidecar-" + name;
        using var answer = await harness.CheckAsync(("X-Original-Method", method), (told, value), ("X-Sidecar-Protocol", protocol));
        Assert.That((answer.Code(), answer.One("X-Sidecar-Action"), answer.One("X-Sidecar-Cause")), Is.EqualTo((200, "allow", hasBody ? "no-body" : "")));
        Assert.That(harness.Ended(hasBody ? "bypassed" : "inspected", hasBody ? "no-body" : "none"), Is.EqualTo(1));
    }

    [TestCase("POST", true)]
    [TestCase("GET", false)]
    public async Task ProxyThatTellsNoLength_GoesByTheMethod(string method, bool hasBody)
    {
        await using var harness = await HttpHarness.StartAsync(HttpHarness.Defaults with { Dialect = ProxyDialect.Caddy }, [Agent()]);
        using var answer = await harness.CheckAsync(("X-Forwarded-Method", method), ("X-Forwarded-Uri", "/"), ("X-Forwarded-Proto", "https"));
        Assert.That((answer.Code(), answer.One("X-Sidecar-Cause")), Is.EqualTo((200, hasBody ? "no-body" : "")));
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
        Assert.That(harness.Daemon.Logs.Entries.Count(static entry => entry.EventId.Id == 1306), Is.EqualTo(1));
        Assert.That(harness.Daemon.Recorder.Sum("agent.exchanges", ("agent", "waf"), ("direction", "request"), ("state", "bypassed"), ("cause", "no-body")), Is.EqualTo(3));
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
