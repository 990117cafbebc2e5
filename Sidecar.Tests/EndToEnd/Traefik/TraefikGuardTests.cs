using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd.Traefik;

/// <summary>
/// Behind a load balancer that a real Traefik trusts, and without one, a client's own words in its headers replace nothing and reach nobody unseen.
/// </summary>
/// <param name="isBehind">Whether there is such a balancer.</param>
/// <param name="trustsForwarded">Whether forwardAuth has <c>trustForwardHeader: true</c>.</param>
[TestFixture(false, false)]
[TestFixture(false, true)]
[TestFixture(true, false)]
[TestFixture(true, true)]
[Category("EndToEnd")]
internal sealed class TraefikGuardTests(bool isBehind, bool trustsForwarded)
{
    private TraefikStack _stack = null!;

    private bool KnowsTheClient => isBehind && trustsForwarded;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await TraefikStack.StartAsync(
        KnowsTheClient ? ",trusted-hops=1" : "",
        edit: text => trustsForwarded
            ? text.Replace("trustForwardHeader: false", "trustForwardHeader: true", StringComparison.Ordinal)
                .Replace("# X-Forwarded-Host: \"\"", "X-Forwarded-Host: \"\"", StringComparison.Ordinal)
            : text,
        editStatic: text => isBehind
            ? text.Replace("    http:\n", "    forwardedHeaders: { trustedIPs: [127.0.0.1] }\n    http:\n", StringComparison.Ordinal)
            : text);

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [Test]
    public async Task ForgedRequestLine_IsNeitherBelievedNorPassedOn()
    {
        var answer = await RawHttp.SendAsync(
            _stack.Port, "DELETE /attack?x HTTP/1.1", "X-Forwarded-Uri: /ok", "X-Forwarded-Method: GET", "X-Forwarded-Prefix: /p",
            "X-Forwarded-Host: ok.example");

        var (shown, got) = (_stack.Shown(), _stack.Origin.Requests.Last());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That((shown.Method, shown.Uri, shown.Metadata.ServerName), Is.EqualTo(("DELETE", "/attack?x", "shop.example.org")));
            Assert.That((got.Method, got.Target), Is.EqualTo(("DELETE", "/attack?x")));
            Assert.That(got.All("x-forwarded-uri").Concat(got.All("x-forwarded-method")).Concat(got.All("x-forwarded-prefix")), Is.Empty);
        }
    }

    [Test]
    public async Task ClientsAddress_IsTheOneThatTheBalancerTold()
    {
        await RawHttp.SendAsync(_stack.Port, "GET /a HTTP/1.1", "X-Forwarded-For: 203.0.113.9, 198.51.100.7", "X-Real-Ip: 203.0.113.9");

        var shown = _stack.Shown();
        Assert.That(shown.Metadata.ClientIp, Is.EqualTo(KnowsTheClient ? "198.51.100.7" : "127.0.0.1"));
        Assert.That(shown.Headers.Get("x-forwarded-for"), Is.EqualTo(KnowsTheClient ? "203.0.113.9, 198.51.100.7" : null));
        Assert.That(shown.Headers.Get("x-real-ip"), Is.EqualTo(!trustsForwarded ? null : isBehind ? "203.0.113.9" : "127.0.0.1"));
    }

    [Test]
    public async Task RequestPastTheBalancer_HasItsOwnAddressAndIsToldOf()
    {
        await RawHttp.SendAsync(_stack.Port, "GET /a HTTP/1.1");

        Assert.That(_stack.Shown().Metadata.ClientIp, Is.EqualTo("127.0.0.1"));
        if (KnowsTheClient)
        {
            await _stack.Daemon.WaitForAsync("trusted-hops=1");
        }
    }
}
