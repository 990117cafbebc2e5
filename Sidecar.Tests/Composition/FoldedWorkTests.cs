using NUnit.Framework;
using Sidecar.Daemon.Composition;

namespace Sidecar.Tests.Composition;

/// <summary>One piece runs, one waits, and everybody gets the result of one that began after they asked.</summary>
public sealed class FoldedWorkTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Test]
    public async Task WhateverIsAskedForWhileOneRuns_IsOneMoreAfterIt()
    {
        var (begun, gate) = (0, new TaskCompletionSource());
        var work = new FoldedWork<int>(async _ =>
        {
            var number = Interlocked.Increment(ref begun);
            await gate.Task;
            return number;
        });

        var first = work.RequestAsync("a");
        var rest = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Enumerable.Range(0, 500).Select(_ => work.RequestAsync("b")).ToList())));
        gate.SetResult();

        Assert.That(await first.WaitAsync(Limit), Is.EqualTo(1));
        Assert.That(await Task.WhenAll(rest.SelectMany(static all => all)).WaitAsync(Limit), Is.All.EqualTo(2));
        Assert.That(begun, Is.EqualTo(2));
        Assert.That(await work.RequestAsync("c").WaitAsync(Limit), Is.EqualTo(3), "what is asked for later is done later");
    }

    [Test]
    public async Task RequestsWithoutAPause_NeverRunTwoAtOnce_AndEachSeesWhatWasWrittenBeforeIt()
    {
        var (running, most, written) = (0, 0, 0);
        var work = new FoldedWork<int>(async _ =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            var seen = Volatile.Read(ref written);
            await Task.Yield();
            Interlocked.Decrement(ref running);
            return seen;
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                var mine = Interlocked.Increment(ref written);
                Assert.That(await work.RequestAsync("a").WaitAsync(Limit), Is.GreaterThanOrEqualTo(mine));
            }
        })));
        Assert.That(most, Is.EqualTo(1));
    }

    [Test]
    public async Task APieceThatFails_FailsThoseWhoAskedForIt_AndTheNextRuns()
    {
        var gate = new TaskCompletionSource();
        var work = new FoldedWork<string>(async cause =>
        {
            await gate.Task;
            return cause == "bad" ? throw new InvalidOperationException("as it was told to") : cause;
        });
        var (bad, good) = (work.RequestAsync("bad"), work.RequestAsync("good"));
        gate.SetResult();
        Assert.That(async () => await bad.WaitAsync(Limit), Throws.InvalidOperationException);
        Assert.That(await good.WaitAsync(Limit), Is.EqualTo("good"));
    }
}
