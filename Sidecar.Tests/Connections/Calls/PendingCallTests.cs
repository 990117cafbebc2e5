using System.Threading.Tasks.Sources;
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
    public void Asker_GoesOnWithinTheReadLoop_AndNowhereElse([Values] bool goesOnHere)
    {
        var call = PendingCall.Rent(1);
        var here = Environment.CurrentManagedThreadId;
        var thread = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        call.OnCompleted(_ => thread.SetResult(Environment.CurrentManagedThreadId), null, call.Life, ValueTaskSourceOnCompletedFlags.None);
        call.Complete(CallResult.Failed(CallOutcome.Cancelled, "x"), goesOnHere);
        Assert.That(thread.Task.IsCompleted && thread.Task.GetAwaiter().GetResult() == here, Is.EqualTo(goesOnHere));
    }

    [Test]
    public void AskerThatThrows_LeavesTheCallToItsPool()
    {
        var call = PendingCall.Rent(1);
        var life = call.Life;
        call.OnCompleted(_ => throw new InvalidOperationException("a defect"), null, life, ValueTaskSourceOnCompletedFlags.None);
        Assert.That(() => call.Complete(CallResult.Failed(CallOutcome.Cancelled, "x"), goesOnHere: true), Throws.InvalidOperationException);
        Assert.That(call.GetResult(life).Detail, Is.EqualTo("x"));
        Assert.That(() => call.GetStatus(life), Throws.InvalidOperationException, "both have let go");
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
