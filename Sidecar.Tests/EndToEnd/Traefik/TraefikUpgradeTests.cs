using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd.Traefik;

/// <summary>Through a real Traefik one protocol is upgraded to, and agents are told; what any other would carry could not be inspected.</summary>
[Category("EndToEnd")]
internal sealed class TraefikUpgradeTests
{
    private TraefikStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await TraefikStack.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [TestCase("foo/1")]
    [TestCase("tcp")]
    [TestCase("TLS/1.2")]
    [TestCase("websocket, foo")]
    [TestCase("foo, websocket")]
    [TestCase("h2c")]
    [TestCase("foo\r\nUpgrade: websocket")]
    [TestCase("websocket\r\nUpgrade: foo")]
    public async Task OtherProtocols_NeverBecomeTunnels(string protocol)
    {
        var (tunnelled, asked) = (_stack.Origin.Tunnelled, _stack.Origin.Requests.Count);

        await UpgradeAsync(
            $"GET /up HTTP/1.1\r\nHost: shop.example\r\nUpgrade: {protocol}\r\nConnection: Upgrade\r\nX-Sidecar-Upgrade: forged\r\n\r\n",
            "GET /hidden HTTP/1.1\r\nHost: shop.example\r\n\r\n");

        var upgraded = _stack.Origin.Requests.Skip(asked).Select(static request => request.Header("upgrade")).OfType<string>();
        Assert.That(upgraded, Has.All.EqualTo("websocket"));
        Assert.That(_stack.Origin.Tunnelled.Length > tunnelled.Length, Is.EqualTo(upgraded.Any()), "nothing but a WebSocket leaves HTTP");
        Assert.That(
            _stack.Agent.Seen.OfType<Protocol.Messages.RequestHeadersEvent>().Select(static one => one.Headers.Get("upgrade")),
            Has.All.AnyOf(null, "websocket"));
    }

    [TestCase("websocket")]
    [TestCase("WebSocket")]
    public async Task WebSocket_IsShownAndPasses(string word)
    {
        var (before, inspected) = (_stack.Origin.Tunnelled.Length, await _stack.EndedAsync("inspected", "none"));
        var answer = await UpgradeAsync(
            $"GET /chat HTTP/1.1\r\nHost: shop.example\r\nUpgrade: {word}\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            "frames");

        Assert.That(answer, Does.StartWith("HTTP/1.1 101"));
        Assert.That((_stack.Shown().Uri, _stack.Shown().Headers.Get("upgrade")), Is.EqualTo(("/chat", "websocket")));
        Assert.That(_stack.Origin.Tunnelled[before..], Is.EqualTo("frames"));
        Assert.That(_stack.Origin.Requests.Last().Headers.Select(static field => field.Name), Has.No.Member("X-Sidecar-Upgrade"));
        await _stack.EndedAsync("inspected", "none", inspected + 1);
    }

    // Says more only when the protocol has changed: what Go has read before that it may forget.
    private async Task<string> UpgradeAsync(string request, string then)
    {
        using var client = await RawConnection.OpenAsync(_stack.Port);
        await client.SendAsync(request);
        var answer = await client.ReadUntilAsync("\r\n\r\n");
        if (answer.StartsWith("HTTP/1.1 101", StringComparison.Ordinal))
        {
            await client.SendAsync(then);
            await client.ReadToEndAsync();
        }

        return answer;
    }
}
