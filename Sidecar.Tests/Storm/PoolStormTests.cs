using System.Globalization;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Storm;

/// <summary>
/// 200 exchanges in flight to four agents that misbehave in every way there is and are killed at random: afterwards everything is accounted for and nothing is
/// left.
/// </summary>
[NonParallelizable]
public sealed class PoolStormTests
{
    private const int InFlight = 200;

    // 60 s with SIDECAR_TEST_SCALE=20.
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(3);

    [Test]
    public async Task Storm_EveryExchangeIsAccountedOnce_AndNothingIsLeft()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        TestContext.Out.WriteLine($"SIDECAR_TEST_SEED={seed}");
        var scale = Math.Max(1, int.Parse(Environment.GetEnvironmentVariable("SIDECAR_TEST_SCALE") ?? "1", CultureInfo.InvariantCulture));
        var rig = new StormRig(seed);
        await using var running = rig;
        await rig.StartAsync();
        var wrong = new List<string>();
        using var over = new CancellationTokenSource();
        var exchanges = Enumerable.Range(0, InFlight).Select(n => Task.Run(() => RunAsync(rig, new Random(seed + 100 + n), wrong, over.Token))).ToList();
        await KillAsync(rig, new Random(seed), Length * scale);
        await over.CancelAsync();
        var begun = (await Task.WhenAll(exchanges).WaitAsync(ScriptedAgent.Limit, TimeProvider.System, CancellationToken.None)).Sum();
        foreach (var agent in rig.Agents)
        {
            agent.IsCalm = true;
        }

        TestContext.Out.WriteLine($"{begun} exchanges: {string.Join(", ", rig.Sums.Of("exchanges"))}");
        TestContext.Out.WriteLine(
            string.Join(
                ", ",
                rig.Agents.SelectMany(static agent => agent.Happened).GroupBy(static one => one.Key, static one => one.Value, static (fault, counts) => $"{fault} {counts.Sum()}")));
        Assert.That(wrong.Take(20), Is.Empty);
        await rig.AllAvailableAsync();
        await rig.StopBackgroundAsync();
        AssertAccounted(rig, begun);
        await AssertNothingIsLeftAsync(rig);
    }

    private static async Task<int> RunAsync(StormRig rig, Random random, List<string> wrong, CancellationToken over)
    {
        var begun = 0;
        while (!over.IsCancellationRequested)
        {
            begun++;
            await new StormExchange(rig.Inspector, random, wrong).RunAsync();

            // Refusals cost nothing: without a pause between them the agents would get no time to come back.
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 20)), TimeProvider.System, CancellationToken.None);
        }

        return begun;
    }

    // One agent at a time, so that there is something left to inspect with.
    private static async Task KillAsync(StormRig rig, Random random, TimeSpan length)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < length)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(50, 400)), TimeProvider.System);
            var agent = rig.Agents[random.Next(rig.Agents.Length)];
            await agent.KillAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 150)), TimeProvider.System);
            agent.Start();
        }
    }

    private static void AssertAccounted(StormRig rig, int begun)
    {
        Assert.That(rig.Sums.Sum("exchanges.received"), Is.EqualTo(begun));
        Assert.That(rig.Sums.Sum("exchanges"), Is.EqualTo(begun), "each ended, once");
        Assert.That(rig.Sums.Sum("exchanges.open"), Is.Zero);
        Assert.That((rig.Records.Begun, rig.Records.Closed, rig.Records.Twice), Is.EqualTo((begun, begun, 0)), "a record of each, once");
        Assert.That(
            rig.Records.Calls, Is.EqualTo(rig.Sums.Sum("agent.calls") - rig.Sums.Sum("agent.calls", ("event", "request_complete"))),
            "every call is in one record");
        var states = rig.Sums.Of("exchanges").Select(static line => line.Split('|')[2]).ToHashSet();
        Assert.That(states, Is.SubsetOf(new[] { "not-subject", "inspected", "abandoned", "refused", "partly", "bypassed" }));
        Assert.That(rig.Sums.Of("exchanges").Where(static line => line.Contains("internal", StringComparison.Ordinal)), Is.Empty, "no defect of ours");
    }

    private static async Task AssertNothingIsLeftAsync(StormRig rig)
    {
        foreach (var state in rig.States)
        {
            var pool = state.Current.Pool;
            // A call gives back what it holds after its answer, and those that no request waits for may still be under way.
            await Eventually.TrueAsync(
                () => pool.Live.Sum(static live => live.Connection.Stats.Waiting) == 0
                    && (pool.Admission.Running, pool.Admission.Waiting, state.BodyMemory.Used, state.BodyMemory.Waiting) == (0, 0, 0L, 0),
                ScriptedAgent.Limit,
                $"the last call to {state.Id}");
            Assert.That(pool.Sticky.Count, Is.LessThanOrEqualTo(5), state.Id);
        }

        Assert.That((rig.Memory.Used, rig.Memory.Waiting), Is.EqualTo((0L, 0)));
        await rig.StopPoolsAsync();
        Assert.That(rig.States.Select(static state => state.Current.Pool.Live.Count), Is.All.Zero);
        await Eventually.TrueAsync(() => rig.Time.ActiveTimers == 0, ScriptedAgent.Limit, "the last timer");
        Assert.That(
            rig.Logs.Collector.GetSnapshot().Where(static entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Error)
                .Select(static entry => entry.Message).Take(5), Is.Empty);
    }
}
