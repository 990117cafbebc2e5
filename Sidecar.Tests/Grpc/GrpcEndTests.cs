using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using Sidecar.Tests.Support;
using static Sidecar.Tests.Grpc.GrpcRig;

namespace Sidecar.Tests.Grpc;

/// <summary>Calls that one side gives up: by deadline, by cancelling, by dying, by not reading.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class GrpcEndTests
{
    // How the last call of WaitAsync ended on the server's side.
    private readonly TaskCompletionSource<bool> _seenByServer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Test]
    public async Task ServersDeadline_FiresAtItsTickAndNotBefore()
    {
        var clock = new FakeTimeProvider();
        await using var rig = await StartAsync(HangAsync, new GrpcServerOptions { Time = clock });
        var asking = rig.AskAsync(Body("x"));
        await _begun.Task;

        clock.Advance(Limit - TimeSpan.FromTicks(1));
        Assert.That(_seenByServer.Task.IsCompleted, Is.False);
        clock.AdvanceTicks(1);

        Assert.That(await _seenByServer.Task.WaitAsync(Soon()), Is.True, "the deadline");
        Assert.That((await asking).Status.ToString(), Is.EqualTo("DeadlineExceeded: the time that the caller gave is up"));
        Assert.That(clock.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task ClientsDeadline_EndsTheCallOnBothSides()
    {
        var clock = new FakeTimeProvider();
        await using var rig = await StartAsync(HangAsync, client: options => options with { Time = clock });
        var asking = rig.AskAsync(Body("x"));
        await _begun.Task;

        clock.Advance(Limit - TimeSpan.FromTicks(1));
        Assert.That(asking.IsCompleted, Is.False);
        clock.AdvanceTicks(1);

        Assert.That((await asking).Status.ToString(), Is.EqualTo("DeadlineExceeded: the time for this call is up"));
        Assert.That(await _seenByServer.Task.WaitAsync(Soon()), Is.False, "the client was faster than the server's clock");
        Assert.That(clock.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task TimeoutOfZero_IsOverAtOnce()
    {
        await using var rig = await StartAsync(HangAsync);
        var reply = await rig.Channel.AskAsync(Method, Body("x"), HttpBody.Parser, TimeSpan.Zero, CancellationToken.None);
        Assert.That(reply.Status.Code, Is.EqualTo(GrpcStatusCode.DeadlineExceeded));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task ClientThatGivesUp_IsSeenByTheServer(bool dies)
    {
        await using var rig = await StartAsync(HangAsync);
        await using var call = rig.Start();
        await _begun.Task;
        if (dies)
        {
            rig.Streams.Cut();
        }
        else
        {
            call.Cancel();
        }

        Assert.That(await _seenByServer.Task.WaitAsync(Soon()), Is.False);
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
    }

    [TestCase(true, GrpcStatusCode.Cancelled)]
    [TestCase(false, GrpcStatusCode.Unavailable)]
    public async Task QuestionThatIsGivenUp_IsSeenByTheServer(bool byToken, GrpcStatusCode code)
    {
        using var source = new CancellationTokenSource();
        await using var rig = await StartAsync(HangAsync);
        var asking = rig.Channel.AskAsync(Method, Body("x"), HttpBody.Parser, null, source.Token);
        await _begun.Task;
        if (byToken)
        {
            await source.CancelAsync();
        }
        else
        {
            rig.Channel.Dispose();
        }

        Assert.That(await _seenByServer.Task.WaitAsync(Soon()), Is.False);
        Assert.That((await asking).Status.Code, Is.EqualTo(code));
    }

    [Test]
    public async Task ClientThatGivesUpWhileTheServerReads_EndsTheRead()
    {
        await using var rig = await StartAsync(async call =>
        {
            _begun.SetResult();
            try
            {
                await call.ReadAsync(HttpBody.Parser, call.Cancellation);
            }
            finally
            {
                _seenByServer.SetResult(call.Cancellation.IsCancellationRequested);
            }
        });
        var call = rig.Start();
        await _begun.Task;
        await call.DisposeAsync();
        Assert.That(await _seenByServer.Task.WaitAsync(Soon()), Is.True);
        Assert.That(rig.Log.Collector.GetSnapshot(), Is.Empty, "a caller that leaves is no failure of the handler");
    }

    [Test]
    public async Task ServerThatDies_EndsEveryCallAsUnavailable()
    {
        await using var rig = await StartAsync(static async call =>
        {
            await call.StartAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, call.Cancellation);
        });
        var calls = Enumerable.Range(0, 10).Select(_ => rig.Start()).ToArray();
        await Task.WhenAll(calls.Select(call => call.WaitForHeadersAsync(Soon())));
        var reads = calls.Select(call => call.ReadAsync(Soon()).AsTask()).ToArray();

        await rig.StopServerAsync();

        Assert.That(await Task.WhenAll(reads), Is.All.Null);
        Assert.That(calls.Select(static call => call.Status!.Value.IsOk), Is.All.False);
        Assert.That((await rig.AskAsync(Body("x"))).Status.Code, Is.EqualTo(GrpcStatusCode.Unavailable), "nobody is there any more");
        foreach (var call in calls)
        {
            await call.DisposeAsync();
        }
    }

    [Test]
    public async Task ClientThatReadsNothing_HoldsUpItsOwnWriterOnly()
    {
        var wrote = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var rig = await StartAsync(async call =>
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
            var writing = call.WriteAsync(Body(new string('x', 4_000_000)), patience.Token).AsTask();
            _begun.SetResult();
            await call.ReadAsync(HttpBody.Parser, call.Cancellation);
            await patience.CancelAsync();
            try
            {
                wrote.SetResult($"{await writing}");
            }
            catch (OperationCanceledException)
            {
                wrote.SetResult("cancelled");
            }
        });
        await using var call = rig.Start();
        await _begun.Task;
        await call.WriteAsync(Body("go"), Soon());
        Assert.That(await wrote.Task.WaitAsync(Soon()), Is.EqualTo("cancelled"));
    }

    [Test]
    public async Task HandlerThatReturnsWhileItsWriterWaits_EndsTheCall()
    {
        Task<bool>? writing = null;
        await using var rig = await StartAsync(async call =>
        {
            writing = call.WriteAsync(Body(new string('x', 4_000_000)), call.Cancellation).AsTask();
            await call.ReadAsync(HttpBody.Parser, call.Cancellation);
        });
        await using var call = rig.Start();
        await call.WriteAsync(Body("return"), Soon());
        await call.CompleteAsync();
        Assert.That(await call.WaitForHeadersAsync(Soon()), Is.True);
        await Eventually.TrueAsync(() => writing is { IsCompleted: true }, Limit, "the writer is woken");
        Assert.That(async () => await writing!, Throws.InstanceOf<OperationCanceledException>());
    }

    private async Task HangAsync(GrpcServerCall call)
    {
        _begun.TrySetResult();
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, call.Cancellation);
        }
        finally
        {
            _seenByServer.TrySetResult(call.IsDeadlineExceeded);
        }
    }
}
