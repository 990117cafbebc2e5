using System.Globalization;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Storms;

/// <summary>Storms of requests through each proxy while agents and daemons are killed and come back: what reaches the upstream was seen or is marked.</summary>
[TestFixture(ProxySetup.NginxAuthRequest, false)]
[TestFixture(ProxySetup.NginxAuthRequest, true)]
[TestFixture(ProxySetup.NginxLua, false)]
[TestFixture(ProxySetup.NginxLua, true)]
[TestFixture(ProxySetup.NginxNjs, false)]
[TestFixture(ProxySetup.NginxNjs, true)]
[TestFixture(ProxySetup.Haproxy, false)]
[TestFixture(ProxySetup.Haproxy, true)]
[TestFixture(ProxySetup.Caddy, false)]
[TestFixture(ProxySetup.Caddy, true)]
[TestFixture(ProxySetup.TraefikForwardingBodies, false)]
[TestFixture(ProxySetup.EnvoyAuthz, false)]
[TestFixture(ProxySetup.EnvoyAuthz, true)]
[TestFixture(ProxySetup.EnvoyHttpAuthz, false)]
[TestFixture(ProxySetup.EnvoyHttpAuthz, true)]
[TestFixture(ProxySetup.EnvoyProc, false)]
[TestFixture(ProxySetup.EnvoyProc, true)]
[TestFixture(ProxySetup.EnvoyProcResponses, false)]
[TestFixture(ProxySetup.EnvoyProcResponses, true)]
[Category("EndToEnd")]
[Category("Storm")]
internal sealed class KillStormTests(ProxySetup proxy, bool failsOpen)
{
    // How many requests have to be inspected before a kill, and how many have to feel it.
    private const int Felt = 50;

    // 1,000 requests, and with SIDECAR_TEST_SCALE=10 the 10,000 that are promised.
    private static readonly int Requests = 1000 * Math.Max(
        1, int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", CultureInfo.InvariantCulture));

    private static int Kills => Requests >= 10_000 ? 5 : 2;

    [Test]
    public async Task NoRequest_PassesUnseenAndUnmarked_WhileAgentsAreKilled()
    {
        await using var stack = await StormStack.StartAsync(proxy, failsOpen);
        var (before, tagged, inspected) = (await stack.EndedAsync(), stack.Tagged, await stack.EndedAsync("inspected"));
        await using var load = new StormLoad(stack.Port, proxy.ShowsBodies());
        for (var i = 0; i < Kills; i++)
        {
            await StormLoad.GrowsAsync(() => stack.Tagged, Felt, "inspected requests");
            await stack.KillAgentAsync(() => FeltAsync(stack, load));
        }

        await StormLoad.GrowsAsync(() => stack.Tagged, Felt, "inspected requests");
        await load.EndAsync(Requests);

        await ReportAsync(stack, load);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(stack.Neither, Is.Empty);
            Assert.That(await stack.EndedAsync() - before, Is.EqualTo(load.Sent), "every request was received and is accounted, once");
            Assert.That(await stack.EndedAsync("bypassed", "partly"), Is.EqualTo(stack.Marked), "what passed uninspected is marked");
            Assert.That(
                await stack.EndedAsync("inspected") - inspected, Is.EqualTo(stack.Tagged - tagged + load.Blocked), "what passed unmarked was inspected");
            Assert.That(await stack.EndedAsync("refused", "abandoned"), Is.EqualTo(load.Refused));
            Assert.That(failsOpen ? load.Refused : stack.Marked, Is.Zero, "the failure mode is the operator's");
        }
    }

    [Test]
    public async Task NoRequest_PassesUnseenAndUnmarked_WhileTheDaemonIsKilled()
    {
        await using var stack = await StormStack.StartAsync(proxy, failsOpen);
        await using var load = new StormLoad(stack.Port, proxy.ShowsBodies());
        for (var i = 0; i < Kills; i++)
        {
            await StormLoad.GrowsAsync(() => stack.Tagged, Felt, "inspected requests");
            await stack.KillDaemonAsync(() => FeltAsync(stack, load));
        }

        await StormLoad.GrowsAsync(() => stack.Tagged, Felt, "inspected requests");
        await load.EndAsync(Requests);

        // That the sums of the last daemon agree, the wait for its end says.
        await stack.EndedAsync();
        await ReportAsync(stack, load);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(stack.Neither, Is.Empty);
            Assert.That(failsOpen ? load.Refused : stack.Marked, Is.Zero, "the failure mode is the operator's");
        }
    }

    /// <summary>A restart is over when the daemon says so.</summary>
    [Test]
    public async Task FirstRequestAfterARestart_IsInspected()
    {
        await using var stack = await StormStack.StartAsync(proxy, failsOpen);
        for (var i = 0; i < 3; i++)
        {
            await stack.KillDaemonAsync(static () => Task.CompletedTask);
            var tagged = stack.Tagged;
            if (proxy == ProxySetup.Haproxy)
            {
                // A server that a check of HAProxy has found away is away until the next one, which comes within half a second.
                await Eventually.TrueAsync(
                    async () =>
                    {
                        await RawHttp.SendAsync(stack.Port, "GET /check HTTP/1.1");
                        return stack.Tagged > tagged;
                    },
                    TimeSpan.FromMinutes(1),
                    "HAProxy's check");
                tagged = stack.Tagged;
            }

            Assert.That((await RawHttp.SendAsync(stack.Port, "GET /first HTTP/1.1")).Status, Is.EqualTo(200), $"{proxy}, restart {i}");
            Assert.That(stack.Tagged, Is.EqualTo(tagged + 1), $"{proxy}, restart {i}");
        }
    }

    private Task FeltAsync(StormStack stack, StormLoad load) =>
        failsOpen ? StormLoad.GrowsAsync(() => stack.Marked, Felt, "marked requests") : StormLoad.GrowsAsync(() => load.Refused, Felt, "refused requests");

    private async Task ReportAsync(StormStack stack, StormLoad load) => await TestContext.Out.WriteLineAsync(
        $"{proxy}{(failsOpen ? ", fail open" : "")}: {load.Sent} sent, {Kills} kills, {stack.Tagged} seen, {stack.Marked} marked, "
            + $"{stack.Neither.Count} neither, {load.Blocked} blocked, {load.Refused} refused");
}
