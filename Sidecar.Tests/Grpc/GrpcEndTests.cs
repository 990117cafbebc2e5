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
        await using var call = rig.Start(Limit);
        await _begun.Task;

        clock.Advance(Limit - TimeSpan.FromTicks(1));
        Assert.That(_seenByServer.Task.IsCompleted, Is.False);
        clock.AdvanceTicks(1);

        Assert.That(await _seenByServer.Task.WaitAsync(Soon()), Is.True, "the deadline");
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status!.Value.ToString(), Is.EqualTo("DeadlineExceeded: the time that the caller gave is up"));
        Assert.That(clock.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task ClientsDeadline_EndsTheCallOnBothSides()
    {
        var clock = new FakeTimeProvider();
        await using var rig = await StartAsync(HangAsync, client: options => options with { Time = clock });
        await using var call = rig.Start(Limit);
        var reading = call.ReadAsync(Soon()).AsTask();
        await _begun.Task;

        clock.Advance(Limit - TimeSpan.FromTicks(1));
        Assert.That(reading.IsCompleted, Is.False);
        clock.AdvanceTicks(1);

        Assert.That(await reading, Is.Null);
        Assert.That(call.Status!.Value.ToString(), Is.EqualTo("DeadlineExceeded: the time for this call is up"));
        Assert.That(await _seenByServer.Task.WaitAsync(Soon()), Is.False, "the client was faster than the server's clock");
        Assert.That(clock.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task TimeoutOfZero_IsOverAtOnce()
    {
        await using var rig = await StartAsync(HangAsync);
        await using var call = rig.Start(TimeSpan.Zero);
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status!.Value.Code, Is.EqualTo(GrpcStatusCode.DeadlineExceeded));
    }

    [TestCase("cancel")]
    [TestCase("dispose")]
    [TestCase("token")]
    [TestCase("connection")]
    public async Task ClientThatGivesUp_IsSeenByTheServer(string how)
    {
        using var source = new CancellationTokenSource();
        await using var rig = await StartAsync(HangAsync);
        var call = rig.Channel.Start(Method, HttpBody.Parser, null, source.Token);
        await _begun.Task;
        switch (how)
        {
            case "cancel":
                call.Cancel();
                break;
            case "dispose":
                await call.DisposeAsync();
                break;
            case "token":
                await source.CancelAsync();
                break;
            default:
                rig.Channel.Dispose();
                break;
        }

        Assert.That(await _seenByServer.Task.WaitAsync(Soon()), Is.False);
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status!.Value.Code, Is.EqualTo(how == "connection" ? GrpcStatusCode.Unavailable : GrpcStatusCode.Cancelled));
        Assert.That(await call.WriteAsync(Body("late"), Soon()), Is.False);
        await call.DisposeAsync();
        await call.DisposeAsync();
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
        Assert.That(rig.Log.Entries, Is.Empty, "a caller that leaves is no failure of the handler");
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
        Assert.That((await rig.AskAsync(Body("x"))).Status.Code, Is.EqualTo(GrpcStatusCode.Unavailable), "the channel does not connect again");
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
    public async Task ServerThatReadsNothing_LeavesTheWritersWaitToItsCaller()
    {
        await using var rig = await StartAsync(HangAsync);
        await using var call = rig.Start();
        using var patience = new CancellationTokenSource();
        var stuck = call.WriteAsync(Body(new string('x', 4_000_000)), patience.Token).AsTask();
        var behind = call.WriteAsync(Body("next"), patience.Token).AsTask();
        await _begun.Task;
        Assert.That((stuck.IsCompleted, behind.IsCompleted), Is.EqualTo((false, false)));

        await patience.CancelAsync();

        Assert.That(async () => await stuck, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(async () => await behind, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(call.Status, Is.Null, "the call goes on");
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
