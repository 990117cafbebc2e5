using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What agents say arrives at the client of a real proxy that asks before anything goes upstream, and what goes there they were shown.</summary>
[TestFixture(ProxySetup.EnvoyAuthz)]
[TestFixture(ProxySetup.EnvoyHttpAuthz)]
[TestFixture(ProxySetup.TraefikForwardingBodies)]
[Category("EndToEnd")]
internal sealed class ProxyDecisionTests(ProxySetup proxy)
{
    private ShownStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await proxy.StartShownAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [SetUp]
    public void Allow() => _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow);

    [Test]
    public async Task Redirect_ArrivesAsGivenAndNeverLeadsToTheDaemon(
        [Values(301, 302, 303, 307, 308)] int status, [Values("/login?next=/x", "//cdn.example/x", "https://www.example.org/new#a")] string location)
    {
        _stack.Agent.Answers = (_, _) => new(Answer.Redirect(location, status));

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /x HTTP/1.1");

        Assert.That((answer.Status, answer.Header("Location")), Is.EqualTo((status, location)));
    }

    [Test]
    public async Task Challenge_Arrives()
    {
        _stack.Agent.Answers = static (_, _) => new(Answer.Challenge("Bearer", ("realm", "shop")));

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /x HTTP/1.1");

        Assert.That((answer.Status, answer.Header("WWW-Authenticate")), Is.EqualTo((401, "Bearer realm=\"shop\"")));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(64 * 1024)]
    [TestCase(1024 * 1024)]
    public async Task BlockPage_OfAnySizeArrivesWhole(int size)
    {
        _stack.Agent.Answers = (_, _) => new(Answer.Block().WithBody(new string('a', size)));

        Assert.That((await RawHttp.SendAsync(_stack.Port, "GET /x HTTP/1.1")).Body, Has.Length.EqualTo(size));
        Assert.That((await RawHttp.SendAsync(_stack.Port, "HEAD /x HTTP/1.1")), Has.Property("Status").EqualTo(403).And.Property("Body").Empty);
    }

    [Test]
    public async Task Body_OfEveryMethodIsSeenAsItReachesTheUpstream(
        [Values("GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT")] string method, [Values] bool isChunked, [Values(1, 5000, 1_000_000)] int size)
    {
        var body = string.Concat(Enumerable.Range(0, size).Select(static i => (char)(i * 7 % 256)));
        var inspected = await _stack.EndedAsync("inspected", "none");

        var answer = await RawHttp.SendBodyAsync(_stack.Port, $"{method} /b HTTP/1.1", body, isChunked);

        var got = _stack.Origin.Requests.Last();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That((_stack.ShownBody() == body, got.Body == body), Is.EqualTo((true, true)), "the same bytes for both");
            Assert.That(got.Header("x-sidecar-bypassed"), Is.Null.Or.Empty);
        }

        await _stack.EndedAsync("inspected", "none", inspected + 1);
    }

    [TestCase("GET")]
    [TestCase("POST")]
    public async Task RequestWithoutABody_IsInspected(string method)
    {
        await RawHttp.SendAsync(_stack.Port, $"{method} /none HTTP/1.1");

        Assert.That(_stack.ShownBody(), Is.Null.Or.Empty);
        Assert.That(_stack.Origin.Requests.Last().Header("x-sidecar-bypassed"), Is.Null.Or.Empty);
    }

    [Test]
    public async Task BlockInTheBody_KeepsItFromTheUpstream()
    {
        _stack.Agent.Answers = static (message, _) => new(
            message is RequestBodyChunkEvent piece && piece.Data.Span.IndexOf("attack"u8) >= 0 ? Answer.Block(418).WithBody("no entry") : AgentResponse.Allow);
        var before = _stack.Origin.Requests.Count;

        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /b HTTP/1.1", new string('a', 100_000) + "attack");

        Assert.That((answer.Status, answer.Body, _stack.Origin.Requests.Count), Is.EqualTo((418, "no entry", before)));
    }

    [Test]
    public async Task ChangedBody_IsRefusedBecauseNothingCarriesIt()
    {
        _stack.Agent.Answers = static (message, _) => new(
            message is RequestBodyChunkEvent ? Answer.Allow.WithRequestBody("other"u8.ToArray(), 0) : AgentResponse.Allow);

        var answer = await RawHttp.SendBodyAsync(_stack.Port, "POST /b HTTP/1.1", "hello");

        Assert.That(answer.Status, Is.EqualTo(proxy == ProxySetup.EnvoyHttpAuthz ? 403 : 503));
    }
}
