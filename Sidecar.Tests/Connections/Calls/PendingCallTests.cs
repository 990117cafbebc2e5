using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;

namespace Sidecar.Tests.Connections.Calls;

public sealed class PendingCallTests
{
    [Test]
    public async Task ObjectIsReusedOnlyWhenBothHaveLetGo()
    {
        var call = PendingCall.Rent(1);
        var answer = new ValueTask<CallResult>(call, call.Life);
        call.Complete(CallResult.Failed(CallOutcome.TimedOut, "first"));
        var others = Enumerable.Range(0, 100).Select(_ => PendingCall.Rent(2)).ToList();
        Assert.That(others, Has.None.SameAs(call), "its asker has not taken the result yet");
        foreach (var other in others)
        {
            other.Complete(CallResult.Failed(CallOutcome.Cancelled, "other"));
            await new ValueTask<CallResult>(other, other.Life);
        }

        Assert.That((await answer).Detail, Is.EqualTo("first"));
    }

    [Test]
    public async Task TokenOfAnEarlierLife_IsRefused()
    {
        var call = PendingCall.Rent(1);
        var life = call.Life;
        call.Complete(CallResult.Failed(CallOutcome.TimedOut, "first"));
        await new ValueTask<CallResult>(call, life);
        Assert.That(() => call.GetStatus(life), Throws.InvalidOperationException);
    }

    [Test]
    public async Task ManyThreads_EveryAskerGetsItsOwnResult()
    {
        const int Threads = 4;
        const int Calls = 5_000;
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var workers = Enumerable.Range(0, Threads).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            await start.Task;
            for (var i = 0; i < Calls; i++)
            {
                var detail = $"{worker}-{i}";
                var call = PendingCall.Rent(i);
                var answer = new ValueTask<CallResult>(call, call.Life);
                if (random.Next(2) == 0)
                {
                    call.Complete(CallResult.Failed(CallOutcome.Cancelled, detail));
                }
                else
                {
                    ThreadPool.UnsafeQueueUserWorkItem(_ => call.Complete(CallResult.Failed(CallOutcome.Cancelled, detail)), null);
                }

                if ((await answer).Detail != detail)
                {
                    return detail;
                }
            }

            return null;
        })).ToArray();
        start.SetResult();
        Assert.That(await Task.WhenAll(workers), Is.All.Null);
    }
}
