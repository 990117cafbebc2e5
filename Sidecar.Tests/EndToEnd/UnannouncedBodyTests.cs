using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Behind a proxy that hands no bodies over, none reaches the upstream that is counted as inspected.</summary>
[TestFixture(ProxySetup.NginxAuthRequest)]
[TestFixture(ProxySetup.Caddy)]
[Category("EndToEnd")]
internal sealed class UnannouncedBodyTests(ProxySetup proxy)
{
    private readonly HttpClient _client = WatchedStack.Http2();
    private WatchedStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await WatchedStack.StartAsync(proxy);

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        _client.Dispose();
        await _stack.DisposeAsync();
    }

    [Test]
    public async Task ThousandPlainGetsOverHttp2_AreInspected()
    {
        var inspected = await _stack.EndedAsync("inspected", "none");

        await Parallel.ForAsync(0, 1000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            using var answer = await _stack.SendAsync(_client, HttpMethod.Get, $"/hello?{i}");
            Assert.That((int)answer.StatusCode, Is.EqualTo(200));
            Assert.That(await answer.Content.ReadAsStringAsync(CancellationToken.None), Does.Not.Contain("X-Sidecar-Bypassed").IgnoreCase);
        });

        await _stack.EndedAsync("inspected", "none", inspected + 1000);
    }

    [TestCase("GET")]
    [TestCase("HEAD")]
    [TestCase("DELETE")]
    [TestCase("OPTIONS")]
    public async Task BodyThatNothingAnnounces_NeverReachesTheUpstream(string method)
    {
        var bodies = _stack.Origin.BodyBytes;

        using var overHttp2 = await _stack.SendAsync(_client, new HttpMethod(method), "/hidden", "DROP TABLE");

        Assert.That((int)overHttp2.StatusCode, Is.EqualTo(proxy == ProxySetup.Caddy ? 400 : 200));
        Assert.That(_stack.Origin.BodyBytes, Is.EqualTo(bodies));
    }

    /// <summary>What is announced goes on, and everybody can see that no agent was shown it.</summary>
    [TestCase("GET", false)]
    [TestCase("DELETE", false)]
    [TestCase("POST", false)]
    [TestCase("GET", true)]
    [TestCase("POST", true)]
    public async Task BodyThatIsAnnounced_IsMarkedOrRefused(string method, bool isChunked)
    {
        var (asked, bypassed) = (_stack.Origin.Requests, await _stack.EndedAsync("bypassed", "no-body"));

        var answer = await RawHttp.SendBodyAsync(_stack.Port, $"{method} /announced HTTP/1.1", "DROP TABLE", isChunked);

        if (proxy == ProxySetup.Caddy && isChunked && method == "GET")
        {
            Assert.That((answer.Status, _stack.Origin.Requests), Is.EqualTo((400, asked)));
            return;
        }

        var seen = ScriptStack.Seen(answer);
        Assert.That((seen[":body"], seen.GetValueOrDefault("X-Sidecar-Bypassed")), Is.EqualTo(("DROP TABLE", "no-body")));
        await _stack.EndedAsync("bypassed", "no-body", bypassed + 1);
    }
}
