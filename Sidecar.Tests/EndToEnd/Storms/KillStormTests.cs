using System.Globalization;
using NUnit.Framework;
using Sidecar.Tests.EndToEnd.Attacks;

namespace Sidecar.Tests.EndToEnd.Storms;

/// <summary>Storms of requests through each proxy while agents and daemons are killed and come back: what reaches the upstream was seen or is marked.</summary>
[TestFixture(AttackDoor.NginxAuthRequest, false)]
[TestFixture(AttackDoor.NginxAuthRequest, true)]
[TestFixture(AttackDoor.NginxLua, false)]
[TestFixture(AttackDoor.NginxLua, true)]
[TestFixture(AttackDoor.NginxNjs, false)]
[TestFixture(AttackDoor.NginxNjs, true)]
[TestFixture(AttackDoor.Haproxy, false)]
[TestFixture(AttackDoor.Haproxy, true)]
[TestFixture(AttackDoor.Caddy, false)]
[TestFixture(AttackDoor.Caddy, true)]
[Category("EndToEnd")]
[Category("Storm")]
internal sealed class KillStormTests(AttackDoor door, bool failsOpen)
{
    // How many requests have to be inspected before a kill, and how many have to feel it.
    private const int Felt = 50;

    // 1,000 requests, and with SIDECAR_TEST_SCALE=10 the 10,000 that are promised.
    private static readonly int Requests = 1000 * Math.Max(1, int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", CultureInfo.InvariantCulture));

    private static int Kills => Requests >= 10_000 ? 5 : 2;

    [Test]
    public async Task NoRequest_PassesUnseenAndUnmarked_WhileAgentsAreKilled()
    {
        await using var stack = await StormStack.StartAsync(door, failsOpen);
        var (before, tagged, inspected) = (await stack.EndedAsync(), stack.Tagged, await stack.EndedAsync("inspected"));
        await using var load = new StormLoad(stack.Port, door.ShowsBodies());
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
            Assert.That(await stack.EndedAsync("inspected") - inspected, Is.EqualTo(stack.Tagged - tagged + load.Blocked), "what passed unmarked was inspected");
            Assert.That(await stack.EndedAsync("refused", "abandoned"), Is.EqualTo(load.Refused));
            Assert.That(failsOpen ? load.Refused : stack.Marked, Is.Zero, "the failure mode is the operator's");
        }
    }

    [Test]
    public async Task NoRequest_PassesUnseenAndUnmarked_WhileTheDaemonIsKilled()
    {
        await using var stack = await StormStack.StartAsync(door, failsOpen);
        await using var load = new StormLoad(stack.Port, door.ShowsBodies());
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

    private Task FeltAsync(StormStack stack, StormLoad load) =>
        failsOpen ? StormLoad.GrowsAsync(() => stack.Marked, Felt, "marked requests") : StormLoad.GrowsAsync(() => load.Refused, Felt, "refused requests");

    private async Task ReportAsync(StormStack stack, StormLoad load) => await TestContext.Out.WriteLineAsync(
        $"{door}{(failsOpen ? ", fail open" : "")}: {load.Sent} sent, {Kills} kills, {stack.Tagged} seen, {stack.Marked} marked, {stack.Neither.Count} neither, {load.Blocked} blocked, {load.Refused} refused");
}
