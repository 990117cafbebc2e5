using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>
/// Bodies that go on while they come, through a real Envoy with ext_proc: agents take pieces, and where bodies are not sent (NONE) headers only.
/// </summary>
[TestFixture("NONE")]
[TestFixture(ProcStack.Override)]
[TestFixture("BUFFERED")]
[TestFixture("BUFFERED_PARTIAL")]
[TestFixture("STREAMED")]
[TestFixture("FULL_DUPLEX_STREAMED")]
[Category("EndToEnd")]
internal sealed class ProcStreamTests(string mode)
{
    private const int Large = 20 * 1024 * 1024;

    private ProcStack _stack = null!;

    // Whether Envoy collects bodies, whatever agents take.
    private bool IsBuffered => mode is "BUFFERED" or "BUFFERED_PARTIAL";

    [OneTimeSetUp]
    public async Task StartAsync() =>
        _stack = await ProcStack.StartAsync(
            mode, ",buffer-limit=1MiB", mode == "NONE" ? ",events=request-headers+response-headers" : ",body-mode=stream,response-body-mode=stream,max-body=64MiB");

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [SetUp]
    public Task CloseAccountAsync() => _stack.AccountAsync();

    [Test]
    public async Task LargeRequest_PassesWhole_OrIsRefused([Values] bool isChunked)
    {
        var answer = await RawHttp.SendBodyAsync(_stack.Envoy.Port, $"POST /large/{isChunked} HTTP/1.1", new string('q', Large), isChunked);

        var got = _stack.Origin.Received.SingleOrDefault(request => request.Target == $"/large/{isChunked}")?.Body.Length;
        Assert.That((answer.Status, got, await _stack.AccountAsync()), Is.EqualTo(mode switch
        {
            "BUFFERED" => (413, (int?)null, "abandoned superseded"),
            "BUFFERED_PARTIAL" => (413, null, "refused truncated"),
            _ => (200, Large, "inspected"),
        }));
    }

    [Test]
    public async Task LargeResponse_PassesWhole_OrIsRefused([Values("size", "chunked")] string framing)
    {
        var answer = await RawHttp.SendAsync(_stack.Envoy.Port, $"GET /{framing}/{Large} HTTP/1.1");

        Assert.That((answer.Status, answer.Body.Length == Large, ProcStack.GivenUp(await _stack.AccountAsync())), Is.EqualTo(mode switch
        {
            "BUFFERED" => (500, false, "abandoned"),
            "BUFFERED_PARTIAL" => (502, false, "refused truncated"),
            _ => (200, true, "inspected"),
        }));
    }

    [TestCase("unary", "500000", 1)]
    [TestCase("stream", "hello", 10)]
    [TestCase("turns", "hello", 10)]
    public async Task GrpcCall_Passes(string pattern, string message, int echoes)
    {
        if (IsBuffered && pattern == "turns")
        {
            Assert.Ignore("Envoy waits for the end of a stream that waits for its answers");
        }

        var told = await _stack.Envoy.CallAsync(pattern, message);

        Assert.That((told, await _stack.AccountAsync()), Is.EqualTo(($"OK {echoes}", "inspected")));
    }

    /// <summary>The next event is sent when the client has the one before; where Envoy collects bodies, when all were sent.</summary>
    [Test]
    public async Task Events_ArriveOneByOne()
    {
        var events = _stack.Events = Channel.CreateUnbounded<string>();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _stack.Envoy.Port, limit.Token);
        var stream = client.GetStream();
        await stream.WriteAsync("GET /events HTTP/1.1\r\nHost: shop.example.org\r\nConnection: close\r\n\r\n"u8.ToArray(), limit.Token);
        var text = "";
        for (var i = 1; i <= 3; i++)
        {
            events.Writer.TryWrite($"{i}");
            while (!IsBuffered && !text.Contains($"data: {i}\n\n", StringComparison.Ordinal))
            {
                text += await SomeAsync(stream, limit.Token);
            }
        }

        events.Writer.Complete();
        while (await SomeAsync(stream, limit.Token) is { Length: > 0 } some)
        {
            text += some;
        }

        Assert.That(text, Does.StartWith("HTTP/1.1 200").And.Contain("data: 3\n\n").And.EndsWith("0\r\n\r\n"));
        Assert.That(await _stack.AccountAsync(), Is.EqualTo("inspected"));
    }

    private static async Task<string> SomeAsync(NetworkStream stream, CancellationToken cancellation)
    {
        var buffer = new byte[4096];
        return Encoding.Latin1.GetString(buffer, 0, await stream.ReadAsync(buffer, cancellation));
    }
}
