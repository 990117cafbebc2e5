using NUnit.Framework;
using Sidecar.Daemon.Hosting;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Hosting;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class DrainLadderTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

    private readonly FakeTimeProvider _time = new();
    private readonly RecordingLogger<DrainLadder> _log = new();
    private readonly List<string> _order = [];

    [Test]
    public async Task DescendAsync_AllFinish_RunsInOrderAndIsClean()
    {
        var ladder = Ladder(Quick("first"), Quick("second"), Quick("third"));

        var report = await ladder.DescendAsync(CancellationToken.None).WaitAsync(Generous);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_order, Is.EqualTo(new[] { "first", "second", "third" }));
            Assert.That(report.IsClean, Is.True);
            Assert.That(_log.Entries.Select(entry => entry.EventId.Id), Is.EqualTo(new[] { 9020, 9021, 9020, 9021, 9020, 9021 }));
        }
    }

    [Test]
    public async Task DescendAsync_RungThrows_IsReportedAndTheNextRuns()
    {
        var ladder = Ladder(
            new DrainRung("async", Limit, _ => Task.FromException(new IOException("broken pipe"))),
            new DrainRung("sync", Limit, _ => throw new InvalidOperationException("at once")),
            new DrainRung("cancels itself", Limit, _ => Task.FromCanceled(new CancellationToken(canceled: true))),
            Quick("last"));

        var report = await ladder.DescendAsync(CancellationToken.None).WaitAsync(Generous);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                report.Rungs.Select(rung => rung.Outcome),
                Is.EqualTo(new[] { DrainOutcome.Failed, DrainOutcome.Failed, DrainOutcome.Failed, DrainOutcome.Done }));
            Assert.That(report.Rungs[0].Error, Is.TypeOf<IOException>());
            Assert.That(report.Rungs[1].Error, Is.TypeOf<InvalidOperationException>());
            Assert.That(report.Rungs[2].Error, Is.TypeOf<TaskCanceledException>());
            Assert.That(report.IsClean, Is.False);
            Assert.That(_order, Is.EqualTo(new[] { "last" }));
        }
    }

    [Test]
    public async Task DescendAsync_RungObeysItsToken_IsToldAtTheLimitAndNotOneTickBefore()
    {
        var started = new TaskCompletionSource<Func<bool>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var ladder = Ladder(
            new DrainRung("slow", Limit, async token =>
            {
                started.SetResult(() => token.IsCancellationRequested);
                await Task.Delay(Timeout.InfiniteTimeSpan, _time, token);
            }),
            Quick("last"));
        var descent = ladder.DescendAsync(CancellationToken.None);
        var isTold = await started.Task.WaitAsync(Generous);

        _time.Advance(Limit - Tick);
        Assert.That(isTold(), Is.False);
        _time.Advance(Tick);
        var report = await descent.WaitAsync(Generous);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Rungs[0], Is.EqualTo(new DrainRungResult("slow", DrainOutcome.TimedOut, Limit)));
            Assert.That(report.Rungs[1].Outcome, Is.EqualTo(DrainOutcome.Done));
            Assert.That(_log.Entries[1].Message, Is.EqualTo("Shutdown: slow not finished within 00:00:05, going on"));
        }
    }

    [Test]
    public async Task DescendAsync_RungIgnoresItsToken_IsLeftBehindAfterTheAbortLimit()
    {
        var hung = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ladder = Ladder(new DrainRung("hung", Limit, _ => hung.Task), Quick("last"));
        var descent = ladder.DescendAsync(CancellationToken.None);
        await TimerArmedAsync();

        _time.Advance(Limit);
        await TimerArmedAsync();
        _time.Advance(DrainLadder.AbortLimit);
        var report = await descent.WaitAsync(Generous);
        hung.SetException(new IOException("much later"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Rungs[0], Is.EqualTo(new DrainRungResult("hung", DrainOutcome.TimedOut, Limit + DrainLadder.AbortLimit)));
            Assert.That(report.Elapsed, Is.LessThanOrEqualTo(ladder.TotalLimit));
            Assert.That(_order, Is.EqualTo(new[] { "last" }));
            Assert.That(() => _log.Entries[^1].EventId.Id, Is.EqualTo(9025).After(30_000, 10), "its late error is logged, not lost");
        }
    }

    [Test]
    public async Task DescendAsync_RungBlocksItsThread_DoesNotBlockTheLadder()
    {
        using var release = new ManualResetEventSlim();
        var ladder = Ladder(
            new DrainRung("blocking", Limit, _ =>
            {
                release.Wait(Generous, CancellationToken.None);
                return Task.CompletedTask;
            }),
            Quick("last"));
        var descent = ladder.DescendAsync(CancellationToken.None);
        await TimerArmedAsync();
        _time.Advance(Limit);
        await TimerArmedAsync();
        _time.Advance(DrainLadder.AbortLimit);

        var report = await descent.WaitAsync(Generous);
        release.Set();

        Assert.That(report.Rungs.Select(rung => rung.Outcome), Is.EqualTo(new[] { DrainOutcome.TimedOut, DrainOutcome.Done }));
    }

    [Test]
    public async Task DescendAsync_Hurried_CutsTheRungUnderWayAndStillTakesTheRest()
    {
        using var hurry = new CancellationTokenSource();
        var ladder = Ladder(
            new DrainRung("drain", Limit, token => Task.Delay(Timeout.InfiniteTimeSpan, _time, token)),
            new DrainRung("wait", Limit, token => Task.Delay(Timeout.InfiniteTimeSpan, _time, token)),
            Quick("unlink"));
        var descent = ladder.DescendAsync(hurry.Token);
        await TimerArmedAsync();

        await hurry.CancelAsync();
        var report = await descent.WaitAsync(Generous, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                report.Rungs.Select(rung => rung.Outcome), Is.EqualTo(new[] { DrainOutcome.Cut, DrainOutcome.Cut, DrainOutcome.Done }));
            Assert.That(_order, Is.EqualTo(new[] { "unlink" }));
        }
    }

    [Test]
    public void Constructor_LimitNotAboveZero_NamesTheRung() =>
        Assert.That(
            () => Ladder(new DrainRung("drain", TimeSpan.Zero, _ => Task.CompletedTask)),
            Throws.ArgumentException.With.Message.Contains("'drain' has the limit 00:00:00"));

    private Task TimerArmedAsync() => Eventually.TrueAsync(() => _time.ArmedTimers == 1, Generous, "the ladder waits with a limit");

    private DrainLadder Ladder(params DrainRung[] rungs) => new(rungs, _time, _log);

    private DrainRung Quick(string name) => new(name, Limit, _ =>
    {
        _order.Add(name);
        return Task.CompletedTask;
    });
}
