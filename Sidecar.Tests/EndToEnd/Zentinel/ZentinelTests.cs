using System.Globalization;
using System.Net;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Zentinel;

/// <summary>The daemon as the agent of a real Zentinel proxy, which tells no ends and goes on without the rest of large bodies.</summary>
[Category("EndToEnd")]
internal sealed class ZentinelTests
{
    private const string Marker = "EVIL";
    private const int Limit = 1024 * 1024;

    private static readonly int[] Sizes = [0, 1000, Limit, Limit + 100_000, 3 * Limit];

    [TestCase("buffer", "")]
    [TestCase("stream", "")]
    [TestCase("inspect-first", "")]
    [TestCase("buffer", ",body-mode=stream")]
    public async Task BodiesOfAnySize_AreNeverInspectedUnseen(string mode, string keys)
    {
        await using var stack = await StartAsync(mode, keys: keys, agent: ["--block-body", Marker], daemon: ["--exchange-expiry", "1s"]);
        var sent = 0L;
        var cases = from size in Sizes from place in (string[])["none", "first", "last"] where size > 0 || place == "none" select (size, place);
        foreach (var (size, place) in cases)
        {
            var filler = new string('x', Math.Max(0, size - (place == "none" ? 0 : Marker.Length)));
            var body = place switch { "first" => Marker + filler, "last" => filler + Marker, _ => filler };
            var inspected = await stack.SumAsync("sidecar_exchanges_total", "state=\"inspected\"");
            var origin = stack.Origin.BodyBytes;
            var answer = await RawHttp.SendBodyAsync(stack.Proxy.Port, "POST /echo HTTP/1.1", body, isChunked: size % 3 == 0);
            await stack.EndedAsync(++sent);
            var isInspected = await stack.SumAsync("sidecar_exchanges_total", "state=\"inspected\"") > inspected;
            var passed = stack.Origin.BodyBytes - origin >= size && size > 0;
            var what = $"{mode}{keys}, {size} bytes, marker {place}: {answer.Status}, {(isInspected ? "inspected" : "not inspected")}, "
                + $"{(passed ? "at the origin" : "not at the origin")}";
            TestContext.Out.WriteLine(what);
            Assert.That(isInspected && passed && place != "none", Is.False, what);
            if (size <= Limit)
            {
                Assert.That((answer.Status, isInspected), Is.EqualTo((place == "none" ? 200 : 403, true)), what);
            }
            else if (keys.Length == 0)
            {
                Assert.That(
                    answer.Status,
                    place == "none" ? Is.EqualTo(200).Or.EqualTo(413) : Is.EqualTo(403).Or.EqualTo(413),
                    "what agents did not see is not answered");
            }
        }

        if (mode == "buffer")
        {
            Assert.That(
                stack.Daemon.Output.Split('\n').Count(static line => line.Contains("inspect-first", StringComparison.Ordinal)), Is.EqualTo(1), "one warning");
        }

        Assert.That(
            stack.Daemon.Output.Split('\n').Count(static line => line.Contains("'paranoia-level'", StringComparison.Ordinal)),
            Is.EqualTo(1),
            "its configuration is named once");
    }

    // It tells no end of any exchange, so room must come from those that are over.
    [TestCase(",events=request-headers")]
    [TestCase("")]
    public async Task MoreRequestsThanExchangesMayBeOpen_AreAllAnswered(string keys)
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_REQUESTS") ?? "2000", CultureInfo.InvariantCulture);
        await using var stack = await StartAsync("buffer", keys: keys, agent: ["--set-header", "X-Seen: 1"], daemon: ["--max-exchanges", "200"]);
        var (marked, others) = await stack.LoadAsync(count);
        TestContext.Out.WriteLine($"{marked} marked, {string.Join(", ", others)}");
        Assert.That((marked, others.Count), Is.EqualTo((count, 0)));
        Assert.That(await stack.SumAsync("sidecar_exchanges_total", "state=\"refused\""), Is.Zero);
    }

    [Test]
    public async Task DaemonThatIsKilledAndRestarted_LetsNothingPassUnmarked()
    {
        await using var stack = await StartAsync("buffer", agent: ["--set-header", "X-Seen: 1"]);
        var before = stack.LoadAsync(2000);
        await Eventually.TrueAsync(() => stack.Origin.Requests > 300, TimeSpan.FromSeconds(60), "load");
        await stack.RestartDaemonAsync();
        var (marked, others) = await before;
        TestContext.Out.WriteLine($"{marked} marked, others: "
            + $"{string.Join(", ", others.GroupBy(static status => status).Select(static group => $"{group.Count()} x {(int)group.Key}"))}");
        Assert.That(others, Is.All.EqualTo(HttpStatusCode.ServiceUnavailable).Or.EqualTo(HttpStatusCode.GatewayTimeout));
        Assert.That(stack.Origin.Unmarked, Is.Zero, "also of those that were refused when their response came");

        // It looks for its agent again on its own slow pace.
        await Eventually.TrueAsync(
            async () => (await RawHttp.SendAsync(stack.Proxy.Port, "GET / HTTP/1.1")).Status == 200,
            TimeSpan.FromSeconds(120),
            "the proxy to find the daemon again");
    }

    private static async Task<ZentinelStack> StartAsync(string mode, string keys = "", string[]? agent = null, string[]? daemon = null)
    {
        await ZentinelProxy.RequireAsync();
        return await ZentinelStack.StartAsync(mode, keys, agent ?? [], daemon ?? []);
    }
}
