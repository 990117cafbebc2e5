using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Where the configuration lets bodies pass that nothing announces, no request that may have one is counted as inspected.</summary>
[TestFixture(ProxySetup.NginxAuthRequest)]
[TestFixture(ProxySetup.Caddy)]
[Category("EndToEnd")]
internal sealed class MaybeBodyTests(ProxySetup proxy)
{
    private readonly HttpClient _client = WatchedStack.Http2();
    private WatchedStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await WatchedStack.StartAsync(proxy, change: static text => text
        .Replace("if ($sidecar_unannounced) { return 512; }", "", StringComparison.Ordinal)
        .Replace("/v1/forward-auth/announced", "/v1/forward-auth", StringComparison.Ordinal)
        .Replace("header_up X-Sidecar-Content-Length {http.request.header.Content-Length}", "", StringComparison.Ordinal)
        .Replace("error @unannounced_body \"a body that nothing announces\" 400", "", StringComparison.Ordinal)
        .Replace("max_size 1\n", "max_size 100\n", StringComparison.Ordinal));

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        _client.Dispose();
        await _stack.DisposeAsync();
    }

    [TestCase(null)]
    [TestCase("DROP TABLE")]
    public async Task RequestOfWhichNothingTells_IsMarkedAndNeverInspected(string? body)
    {
        var (inspected, maybe) = (await _stack.EndedAsync("inspected", "none"), await _stack.EndedAsync("bypassed", "maybe-body"));

        using var answer = await _stack.SendAsync(_client, HttpMethod.Get, "/hello", body);

        Assert.That(
            await answer.Content.ReadAsStringAsync(), Does.Contain("\"X-Sidecar-Bypassed\":\"maybe-body\"").IgnoreCase.And.Contain($"\":body\":\"{body}\""));
        await _stack.EndedAsync("bypassed", "maybe-body", maybe + 1);
        Assert.That(await _stack.EndedAsync("inspected", "none"), Is.EqualTo(inspected));
    }
}
