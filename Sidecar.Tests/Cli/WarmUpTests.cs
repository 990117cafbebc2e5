using NUnit.Framework;
using Sidecar.Daemon.Cli.Bench;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Cli;

/// <summary>A benchmark measures once its rate is stable, and does not wait for ever.</summary>
public sealed class WarmUpTests
{
    private const int Fewest = 10;
    private const int Most = 50;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Test]
    public async Task SteadyRate_IsStableAsSoonAsItCanBeTold() => await ExpectAsync(static _ => 1000, isStable: true, Fewest);

    [Test]
    public async Task RisingRate_IsNotStableBeforeItStopsRising() =>
        await ExpectAsync(static window => 1000 * Math.Min(window, 15), isStable: true, 22);

    [TestCase(1.10)]
    [TestCase(0.95)]
    public async Task RateThatGoesOnChanging_EndsAtTheLimitAndSaysSo(double factor) =>
        await ExpectAsync(window => (long)(1_000_000 * Math.Pow(factor, window)), isStable: false, Most);

    [Test]
    public async Task TwoDisturbedWindows_DoNotMakeARateUnstable() =>
        await ExpectAsync(static window => window is 3 or 8 ? 10 : 1000, isStable: true, Fewest);

    [Test]
    public async Task NothingAnswered_IsNotWaitedFor() => await ExpectAsync(static _ => 0, isStable: true, Fewest);

    [Test]
    public async Task OneMessageMoreOrLess_IsChance() => await ExpectAsync(static window => window > 5 ? 3 : 2, isStable: true, Fewest);

    [Test]
    public async Task LimitShorterThanAWindow_IsKept()
    {
        var clock = new FakeTimeProvider();
        var running = WarmUp.RunAsync(static () => 0, WarmUp.Window / 4, clock, CancellationToken.None);
        clock.Advance(WarmUp.Window / 4);
        Assert.That(await running.WaitAsync(Limit), Is.EqualTo(new WarmUp(false, WarmUp.Window / 4)));
    }

    [Test]
    public async Task Cancellation_EndsIt()
    {
        using var cancelled = new CancellationTokenSource();
        var running = WarmUp.RunAsync(static () => 0, TimeSpan.FromHours(1), new FakeTimeProvider(), cancelled.Token);
        await cancelled.CancelAsync();
        Assert.That((await running.WaitAsync(Limit, CancellationToken.None)).IsStable, Is.False);
    }

    // The messages of each window, counted from 1.
    private static async Task ExpectAsync(Func<int, long> perWindow, bool isStable, int windows)
    {
        var clock = new FakeTimeProvider();
        var (done, passed) = (0L, 0);
        var running = WarmUp.RunAsync(() => done, Most * WarmUp.Window, clock, CancellationToken.None);
        while (!running.IsCompleted)
        {
            await Eventually.TrueAsync(() => running.IsCompleted || clock.ArmedTimers > 0, Limit, "the next window");
            done += perWindow(++passed);
            clock.Advance(WarmUp.Window);
        }

        Assert.That(await running, Is.EqualTo(new WarmUp(isStable, windows * WarmUp.Window)));
    }
}
