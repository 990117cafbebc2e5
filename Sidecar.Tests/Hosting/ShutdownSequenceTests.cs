using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Hosting;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Hosting;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ShutdownSequenceTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger<ShutdownSequence> _log = new();
    private readonly List<string> _order = [];

    [Test]
    public async Task RunAsync_AllFinish_RunsInOrderAndIsClean()
    {
        var sequence = Sequence(Quick("first"), Quick("second"), Quick("third"));

        var report = await sequence.RunAsync(CancellationToken.None).WaitAsync(Generous);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_order, Is.EqualTo(new[] { "first", "second", "third" }));
            Assert.That(report.IsClean, Is.True);
            Assert.That(_log.Collector.GetSnapshot().Select(entry => entry.Id.Id), Is.EqualTo(new[] { 9020, 9021, 9020, 9021, 9020, 9021 }));
        }
    }

    [Test]
    public async Task RunAsync_StepThrows_IsReportedAndTheNextRuns()
    {
        var sequence = Sequence(
            new ShutdownStep("async", Limit, _ => Task.FromException(new IOException("broken pipe"))),
            new ShutdownStep("sync", Limit, _ => throw new InvalidOperationException("at once")),
            new ShutdownStep("cancels itself", Limit, _ => Task.FromCanceled(new CancellationToken(canceled: true))),
            Quick("last"));

        var report = await sequence.RunAsync(CancellationToken.None).WaitAsync(Generous);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                report.Steps.Select(step => step.Outcome),
                Is.EqualTo(new[] { ShutdownOutcome.Failed, ShutdownOutcome.Failed, ShutdownOutcome.Failed, ShutdownOutcome.Done }));
            Assert.That(report.Steps[0].Error, Is.TypeOf<IOException>());
            Assert.That(report.Steps[1].Error, Is.TypeOf<InvalidOperationException>());
            Assert.That(report.Steps[2].Error, Is.TypeOf<TaskCanceledException>());
            Assert.That(report.IsClean, Is.False);
            Assert.That(_order, Is.EqualTo(new[] { "last" }));
        }
    }

    [Test]
    public async Task RunAsync_StepObeysItsToken_IsToldAtTheLimitAndNotOneTickBefore()
    {
        var started = new TaskCompletionSource<Func<bool>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var sequence = Sequence(
            new ShutdownStep("slow", Limit, async token =>
            {
                started.SetResult(() => token.IsCancellationRequested);
                await Task.Delay(Timeout.InfiniteTimeSpan, _time, token);
            }),
            Quick("last"));
        var running = sequence.RunAsync(CancellationToken.None);
        var isTold = await started.Task.WaitAsync(Generous);

        _time.Advance(Limit - Tick);
        Assert.That(isTold(), Is.False);
        _time.Advance(Tick);
        var report = await running.WaitAsync(Generous);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Steps[0], Is.EqualTo(new ShutdownStepResult("slow", ShutdownOutcome.TimedOut, Limit)));
            Assert.That(report.Steps[1].Outcome, Is.EqualTo(ShutdownOutcome.Done));
            Assert.That(_log.Collector.GetSnapshot()[1].Message, Is.EqualTo("Shutdown: slow not finished within 00:00:05, going on"));
        }
    }

    [Test]
    public async Task RunAsync_StepIgnoresItsToken_IsLeftBehindAfterTheAbortLimit()
    {
        var hung = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ShutdownStep[] steps = [new("hung", Limit, _ => hung.Task), Quick("last")];
        var sequence = Sequence(steps);
        var running = sequence.RunAsync(CancellationToken.None);
        await TimerArmedAsync();

        _time.Advance(Limit);
        await TimerArmedAsync();
        _time.Advance(ShutdownSequence.AbortLimit);
        var report = await running.WaitAsync(Generous);
        hung.SetException(new IOException("much later"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Steps[0], Is.EqualTo(new ShutdownStepResult("hung", ShutdownOutcome.TimedOut, Limit + ShutdownSequence.AbortLimit)));
            Assert.That(report.Elapsed, Is.LessThanOrEqualTo(ShutdownSequence.LimitOf(steps)));
            Assert.That(_order, Is.EqualTo(new[] { "last" }));
            Assert.That(() => _log.Collector.GetSnapshot()[^1].Id.Id, Is.EqualTo(9025).After(30_000, 10), "its late error is logged, not lost");
        }
    }

    [Test]
    public async Task RunAsync_StepBlocksItsThread_DoesNotBlockTheSequence()
    {
        using var release = new ManualResetEventSlim();
        var sequence = Sequence(
            new ShutdownStep("blocking", Limit, _ =>
            {
                release.Wait(Generous, CancellationToken.None);
                return Task.CompletedTask;
            }),
            Quick("last"));
        var running = sequence.RunAsync(CancellationToken.None);
        await TimerArmedAsync();
        _time.Advance(Limit);
        await TimerArmedAsync();
        _time.Advance(ShutdownSequence.AbortLimit);

        var report = await running.WaitAsync(Generous);
        release.Set();

        Assert.That(report.Steps.Select(step => step.Outcome), Is.EqualTo(new[] { ShutdownOutcome.TimedOut, ShutdownOutcome.Done }));
    }

    [Test]
    public async Task RunAsync_Hurried_CutsTheStepUnderWayAndStillTakesTheRest()
    {
        using var abort = new CancellationTokenSource();
        var sequence = Sequence(
            new ShutdownStep("drain", Limit, token => Task.Delay(Timeout.InfiniteTimeSpan, _time, token)),
            new ShutdownStep("wait", Limit, token => Task.Delay(Timeout.InfiniteTimeSpan, _time, token)),
            Quick("unlink"));
        var running = sequence.RunAsync(abort.Token);
        await TimerArmedAsync();

        await abort.CancelAsync();
        var report = await running.WaitAsync(Generous, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                report.Steps.Select(step => step.Outcome), Is.EqualTo(new[] { ShutdownOutcome.Cut, ShutdownOutcome.Cut, ShutdownOutcome.Done }));
            Assert.That(_order, Is.EqualTo(new[] { "unlink" }));
        }
    }

    [Test]
    public void Constructor_LimitNotAboveZero_NamesTheStep() =>
        Assert.That(
            () => Sequence(new ShutdownStep("drain", TimeSpan.Zero, _ => Task.CompletedTask)),
            Throws.ArgumentException.With.Message.Contains("'drain' has the limit 00:00:00"));

    private Task TimerArmedAsync() => Eventually.TrueAsync(() => _time.ArmedTimers == 1, Generous, "the sequence waits with a limit");

    private ShutdownSequence Sequence(params ShutdownStep[] steps) => new(steps, _time, _log);

    private ShutdownStep Quick(string name) => new(name, Limit, _ =>
    {
        _order.Add(name);
        return Task.CompletedTask;
    });
}
