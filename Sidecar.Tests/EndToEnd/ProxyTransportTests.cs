using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Requests of unusual size or form through a real proxy: agents see what reaches the upstream, each ends in the ledger, and streams stay streams.
/// </summary>
[TestFixture(ProxySetup.EnvoyAuthz)]
[TestFixture(ProxySetup.EnvoyHttpAuthz)]
[TestFixture(ProxySetup.TraefikForwardingBodies)]
[Category("EndToEnd")]
internal sealed class ProxyTransportTests(ProxySetup proxy)
{
    private ShownStack _stack = null!;

    private bool IsEnvoy => proxy != ProxySetup.TraefikForwardingBodies;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await proxy.StartShownAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [SetUp]
    public void Allow() => _stack.Agent.Answers = static (_, _) => new(AgentResponse.Allow);

    /// <summary>Envoy itself takes 60 KiB of headers.</summary>
    [TestCase(5000)]
    [TestCase(50_000)]
    [TestCase(900_000)]
    public async Task LongTarget_IsSeenWholeOrPassesNowhere(int length)
    {
        var (before, inspected) = (_stack.Origin.Requests.Count, await _stack.EndedAsync("inspected", "none"));
        var target = $"/{new string('a', length / 2)}?{new string('b', length / 2)}";

        var answer = await RawHttp.SendAsync(_stack.Port, $"GET {target} HTTP/1.1");

        if (IsEnvoy && length > 60 * 1024)
        {
            Assert.That((answer.Status, _stack.Origin.Requests.Count), Is.EqualTo((431, before)));
            return;
        }

        Assert.That((answer.Status, _stack.Shown().Uri == target, _stack.Origin.Requests.Last().Target == target), Is.EqualTo((200, true, true)));
        await _stack.EndedAsync("inspected", "none", inspected + 1);
    }

    /// <summary>More than the daemon inspects are refused by it, and Envoy itself takes 100.</summary>
    [TestCase(80, 200)]
    [TestCase(400, 200)]
    [TestCase(3000, 403)]
    public async Task ManyHeaders_AreSeenAllOrPassNowhere(int count, int status)
    {
        var (before, refused) = (_stack.Origin.Requests.Count, await _stack.EndedAsync("refused", "malformed"));

        var answer = await RawHttp.SendAsync(_stack.Port, "GET /many HTTP/1.1", Enumerable.Range(0, count).Select(static i => $"x-{i}: {i}"));

        Assert.That(answer.Status, Is.EqualTo(IsEnvoy && count > 100 ? 431 : status));
        if (answer.Status != 200)
        {
            Assert.That(_stack.Origin.Requests, Has.Count.EqualTo(before));
            await _stack.EndedAsync("refused", "malformed", refused + (IsEnvoy ? 0 : 1));
            return;
        }

        var (shown, got) = (_stack.Shown().Headers, _stack.Origin.Requests.Last());
        Assert.That(Enumerable.Range(0, count).Where(i => shown.Get($"x-{i}") != $"{i}" || got.Header($"x-{i}") != $"{i}"), Is.Empty);
    }

    /// <summary>Frames of a client of HTTP/2 without TLS, which begins with it.</summary>
    [TestCase("GET", "x-plain: 1", "")]
    [TestCase("GET", "cookie: a=1\ncookie: b=2\nx-twice: 1\nx-twice: 2\nx-empty: ", "")]
    [TestCase("GET", "x-bytes: \u00e4\u00ff\u0080", "")]
    [TestCase("GET", "x-user: mallory\nx-sidecar-bypassed: forged\nx-sidecar-status: forged", "")]
    [TestCase("GET", "x-forwarded-uri: /forged\nx-forwarded-method: PUT\nx-original-uri: /forged", "")]
    [TestCase("GET", "host: other.example", "")]
    [TestCase("GET", "", "hidden")]
    [TestCase("POST", "x-plain: 1", "hidden")]
    public async Task Http2Client_ShowsAgentsWhatReachesTheUpstream(string method, string lines, string body)
    {
        var (before, inspected) = (_stack.Origin.Requests.Count, await _stack.EndedAsync("inspected", "none"));
        var fields = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => (Name: line.Split(": ")[0], Value: line.Split(": ")[1]))
            .ToList();
        using var client = await RawConnection.OpenAsync(_stack.Port);

        await client.SendAsync(
        [
            .. RawHttp2.Preface,
            .. RawHttp2.Headers(
                body == "" ? RawHttp2.EndStream : (byte)0,
                [(":method", method), (":scheme", "http"), (":authority", "shop.example"), (":path", "/h2/../a?b"), .. fields]),
            .. body == "" ? [] : RawHttp2.Data(RawHttp2.EndStream, body),
        ]);
        await client.ReadUntilAsync(static come => RawHttp2.HasEnded(Encoding.Latin1.GetBytes(come)));

        Assert.That(_stack.Origin.Requests, Has.Count.EqualTo(before + 1));
        var (shown, got) = (_stack.Shown(), _stack.Origin.Requests.Last());
        using (Assert.EnterMultipleScope())
        {
            Assert.That((shown.Method, shown.Uri, _stack.ShownBody() ?? ""), Is.EqualTo((got.Method, got.Target, got.Body)));
            Assert.That(got.Body, Is.EqualTo(body));
            Assert.That(shown.Headers.Get("host"), Is.EqualTo(got.Header("host")));
            foreach (var name in fields.Select(static field => field.Name).Distinct())
            {
                var reached = got.All(name).Select(WireText.Of);
                var seen = Is.EqualTo(shown.Headers.GetAll(name));
                Assert.That(
                    reached, name.StartsWith("x-sidecar-", StringComparison.Ordinal) ? Has.All.Empty : name == "x-user" ? seen.Or.All.Empty : seen, name);
            }
        }

        await _stack.EndedAsync("inspected", "none", inspected + 1);
    }

    /// <summary>A proxy that hands over bodies asks for this one before it asks the agents.</summary>
    [Test]
    public async Task BodyThatWaitsForItsInvitation_IsSeenOrNeverSent([Values] bool isBlocked)
    {
        _stack.Agent.Answers = (_, _) => new(isBlocked ? Answer.Block(418) : AgentResponse.Allow);
        var before = _stack.Origin.Requests.Count;
        using var client = await RawConnection.OpenAsync(_stack.Port);

        await client.SendAsync("POST /e HTTP/1.1\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
        if ((await client.ReadUntilAsync("\r\n\r\n")).StartsWith("HTTP/1.1 100", StringComparison.Ordinal))
        {
            await client.SendAsync("hello");
        }

        var answer = RawAnswer.Parse(await client.ReadToEndAsync());
        Assert.That((answer.Status, _stack.Origin.Requests.Count), Is.EqualTo(isBlocked ? (418, before) : (200, before + 1)));
        if (!isBlocked)
        {
            Assert.That((_stack.ShownBody(), _stack.Origin.Requests.Last().Body), Is.EqualTo(("hello", "hello")));
        }
    }

    [Test]
    public async Task EventsOfTheUpstream_ArriveOneByOne()
    {
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _stack.Origin.Answers = async (_, stream, stop) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: 1\n\n"u8.ToArray(), stop);
            await first.Task.WaitAsync(stop);
            await stream.WriteAsync("data: 2\n\n"u8.ToArray(), stop);
            throw new IOException("the end of the stream");
        };
        var (asked, inspected) = (_stack.Agent.Seen.OfType<RequestHeadersEvent>().Count(), await _stack.EndedAsync("inspected", "none"));
        using var client = await RawConnection.OpenAsync(_stack.Port);
        try
        {
            await client.SendAsync("GET /events HTTP/1.1\r\nHost: shop.example\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n");

            Assert.That(await client.ReadUntilAsync("data: 1\n\n"), Does.Contain("data: 1\n\n"), "before the next one was sent");
            first.SetResult();
            Assert.That(await client.ReadToEndAsync(), Does.Contain("data: 2\n\n"));
            Assert.That(_stack.Agent.Seen.OfType<RequestHeadersEvent>().Count(), Is.EqualTo(asked + 1));
            await _stack.EndedAsync("inspected", "none", inspected + 1);
        }
        finally
        {
            _stack.Origin.Answers = RawOrigin.Empty;
        }
    }
}
