using System.Globalization;
using System.Net;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Many requests of many clients through a real HAProxy: nothing is lost, nothing is left.</summary>
[Category("EndToEnd")]
[Category("Storm")]
internal sealed class HaproxyStormTests
{
    private const int Clients = 100;
    private static readonly TimeSpan Generous = TimeSpan.FromMinutes(2);

    private static int Scale => int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", CultureInfo.InvariantCulture);

    [Test]
    public async Task Storm_CountersAddUpAndNothingLeaks()
    {
        await using var stack = await HaproxyStack.StartAsync();
        var total = 5000 * Scale;
        var before = await stack.MetricAsync("sidecar_exchanges_received_total");
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = Clients, UseProxy = false };
        using var http = new HttpClient(handler) { Timeout = Generous, BaseAddress = new Uri($"http://127.0.0.1:{stack.Port}") };
        var next = 0;
        var wrong = 0;
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var i && i <= total)
            {
                var blocked = i % 10 == 0;
                using var body = i % 3 == 0 ? new StringContent(new string('b', 1024)) : null;
                var target = new Uri($"{(blocked ? "/attack" : "/fine")}?{i}", UriKind.Relative);
                using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, target) { Content = body };
                using var answer = await http.SendAsync(request, CancellationToken.None);
                if (answer.StatusCode != (blocked ? HttpStatusCode.Forbidden : HttpStatusCode.OK))
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        }));

        Assert.That(wrong, Is.Zero);
        await Eventually.TrueAsync(async () => await stack.MetricAsync("sidecar_exchanges_open") == 0, Generous, "the end of all exchanges");
        Assert.That(await stack.MetricAsync("sidecar_exchanges_received_total") - before, Is.EqualTo(total));
        await stack.MetricBecomesAsync(before + total, "sidecar_exchanges_total");
        Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"inspected\""), Is.EqualTo(before + total));
        Assert.That(stack.Origin.Requests, Is.GreaterThanOrEqualTo(total - (total / 10)));
        Assert.That(stack.Haproxy.Log, Does.Not.Contain("err=1").And.Not.Contain("err=2").And.Not.Contain("err=5"), "no error of the filter");
        Assert.That(stack.Haproxy.SpoeLines, Is.Not.Empty);
        Assert.That(stack.Haproxy.SpoeLines.Where(static line => !line.Contains(" st=0 ", StringComparison.Ordinal)), Is.Empty);

        // With HAProxy gone no session is left.
        await stack.Haproxy.DisposeAsync();
        await Eventually.TrueAsync(async () => await stack.MetricAsync("sidecar_proxy_sessions") == 0, Generous, "the end of all sessions");
    }
}
