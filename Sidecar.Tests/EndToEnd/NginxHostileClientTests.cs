using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>What nginx, told to be generous, lets through and the sidecar refuses, counted.</summary>
[Category("EndToEnd")]
internal sealed class NginxHostileClientTests
{
    private Stack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await Stack.StartAsync(http: "    large_client_header_buffers 8 512k;\n    underscores_in_headers on;");

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    [TestCase("X-Sidecar-Foo: forged")]
    [TestCase("X-Sidecar-Arg-Foo: forged")]
    [TestCase("X_Sidecar_Id: forged")]
    [TestCase("X_Original_URI: forged")]
    public async Task NameThatWouldPassUnseen_IsRefusedAndCounted(string header)
    {
        var (before, asked) = (await RefusedAsync(), _stack.Origin.Requests);

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", header);

        Assert.That((answer.Status, _stack.Origin.Requests), Is.EqualTo((403, asked)));
        Assert.That(await RefusedAsync(), Is.EqualTo(before + 1));
    }

    [Test]
    public async Task HugeHeader_IsRefusedAndCounted()
    {
        var before = await RefusedAsync();

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /hello HTTP/1.1", "X-Huge: " + new string('a', 200 * 1024));

        Assert.That(answer.Status, Is.EqualTo(403));
        Assert.That(await RefusedAsync(), Is.EqualTo(before + 1));
    }

    private Task<long> RefusedAsync() => _stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\"", "cause=\"malformed\"");
}
