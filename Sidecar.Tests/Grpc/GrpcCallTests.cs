using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Grpc.Server;
using static Sidecar.Tests.Grpc.GrpcRig;
using GrpcStatus = Sidecar.Protocol.Grpc.GrpcStatus;

namespace Sidecar.Tests.Grpc;

/// <summary>Calls as they should go: one question, streams either way, both at once, large ones, many.</summary>
public sealed class GrpcCallTests
{
    [Test]
    public async Task Unary_IsAnswered()
    {
        await using var rig = await GrpcRig.StartAsync(EchoAsync);
        foreach (var text in new[] { "hello", "" })
        {
            var reply = await rig.AskAsync(Body(text));
            Assert.That((reply.Status, Text(reply.Message)), Is.EqualTo((GrpcStatus.Ok, text)));
        }
    }

    [Test]
    public async Task ServerStream_ArrivesInOrderAndEndsWithOk()
    {
        await using var rig = await GrpcRig.StartAsync(async call =>
        {
            var count = int.Parse(Text(await call.ReadAsync(HttpBody.Parser, Soon()))!, System.Globalization.CultureInfo.InvariantCulture);
            for (var i = 0; i < count; i++)
            {
                Assert.That(await call.WriteAsync(Body($"{i}"), Soon()), Is.True);
            }
        });
        await using var call = rig.Start();
        await call.WriteAsync(Body("500"), Soon());
        await call.CompleteAsync();
        for (var i = 0; i < 500; i++)
        {
            Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo($"{i}"));
        }

        Assert.That(call.Status, Is.Null, "it runs until its end is read");
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status, Is.EqualTo(GrpcStatus.Ok));
        Assert.That(await call.ReadAsync(Soon()), Is.Null, "the end stays the end");
    }

    [Test]
    public async Task ServerHeaders_ComeBeforeAnyMessage()
    {
        await using var rig = await GrpcRig.StartAsync(async call =>
        {
            await call.StartAsync();
            await EchoAsync(call);
        });
        await using var call = rig.Start();
        Assert.That(await call.WaitForHeadersAsync(Soon()), Is.True);
        await call.WriteAsync(Body("x"), Soon());
        Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo("x"));
    }

    [Test]
    public async Task ServerThatSpeaksFirst_IsHeardBeforeWeWrite()
    {
        await using var rig = await GrpcRig.StartAsync(async call =>
        {
            await call.WriteAsync(Body("welcome"), Soon());
            await EchoAsync(call);
        });
        await using var call = rig.Start();
        Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo("welcome"));
    }

    [Test]
    public async Task Messages_InterleaveBothWays()
    {
        await using var rig = await GrpcRig.StartAsync(EchoAsync);
        await using var call = rig.Start();
        for (var i = 0; i < 100; i++)
        {
            // The first message goes out although the server sends its headers only with its first answer.
            Assert.That(await call.WriteAsync(Body($"{i}"), Soon()), Is.True);
            Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo($"{i}"));
        }
    }

    [Test]
    public async Task HalfClose_LeavesTheOtherWayOpen()
    {
        await using var rig = await GrpcRig.StartAsync(async call =>
        {
            var count = 0;
            await foreach (var message in call.ReadAllAsync(HttpBody.Parser, Soon()))
            {
                count++;
            }

            await call.WriteAsync(Body($"{count} came"), Soon());
        });
        await using var call = rig.Start();
        await call.WriteAsync(Body("a"), Soon());
        await call.WriteAsync(Body("b"), Soon());
        await call.CompleteAsync();
        Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo("2 came"));
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status, Is.EqualTo(GrpcStatus.Ok));
    }

    [Test]
    public async Task LargeMessages_PassBothWays()
    {
        const int Size = 9 * 1024 * 1024;
        await using var rig = await GrpcRig.StartAsync(
            EchoAsync,
            new GrpcServerOptions { MaxReceiveLength = Size + 16, MaxSendLength = Size + 16 },
            options => options with { MaxReceiveLength = Size + 16, MaxSendLength = Size + 16 });
        var bytes = new byte[Size];
        new Random(1).NextBytes(bytes);
        var body = new HttpBody { Body = ByteString.CopyFrom(bytes), EndOfStream = true };

        var reply = await rig.AskAsync(body);

        Assert.That(reply.Status, Is.EqualTo(GrpcStatus.Ok));
        Assert.That(reply.Message!.Equals(body), Is.True);
    }

    [Test]
    public async Task ManyStreams_ShareOneConnection()
    {
        const int Count = 200;
        var connections = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        using var allHere = new CountdownEvent(Count);
        await using var rig = await GrpcRig.StartAsync(async call =>
        {
            connections.AddOrUpdate(call.RequestHeaders["x-stream"]!, 1, static (_, n) => n + 1);
            allHere.Signal();
            await call.StartAsync();
            await EchoAsync(call);
        });
        var calls = Enumerable.Range(0, Count).Select(i => rig.Start(("x-stream", $"{i}"))).ToArray();

        // All are open at once before any is used.
        await Task.WhenAll(calls.Select(call => call.WaitForHeadersAsync(Soon())));
        Assert.That((allHere.IsSet, connections.Count), Is.EqualTo((true, Count)));
        await Task.WhenAll(calls.Select(async (call, i) =>
        {
            for (var n = 0; n < 10; n++)
            {
                await call.WriteAsync(Body($"{i}/{n}"), Soon());
                Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo($"{i}/{n}"));
            }

            await call.CompleteAsync();
            Assert.That(await call.ReadAsync(Soon()), Is.Null);
            Assert.That(call.Status, Is.EqualTo(GrpcStatus.Ok));
            await call.DisposeAsync();
        }));
    }

    [Test]
    public async Task SecondWriteAtOnce_IsAnErrorOfTheHandler()
    {
        var second = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var rig = await GrpcRig.StartAsync(async call =>
        {
            // Far more than the caller's window, and it reads nothing yet.
            var first = call.WriteAsync(Body(new string('x', 4_000_000)), Soon()).AsTask();
            try
            {
                await call.WriteAsync(Body("y"), Soon());
                second.SetResult(null);
            }
            catch (InvalidOperationException e)
            {
                second.SetResult(e);
            }

            await first;
        });
        await using var call = rig.Start();
        await call.WaitForHeadersAsync(Soon());

        Assert.That(await second.Task.WaitAsync(Soon()), Is.Not.Null);
        Assert.That(Text(await call.ReadAsync(Soon())), Has.Length.EqualTo(4_000_000));
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
    }

    [Test]
    public async Task EndOfReads_EndsTheReadUnderWayAndEveryLaterOne_AndTheCallGoesOn()
    {
        var reading = new TaskCompletionSource<GrpcRead<HttpBody>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var last = new TaskCompletionSource<GrpcRead<HttpBody>>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var rig = await GrpcRig.StartAsync(async call =>
        {
            var read = call.TryReadAsync(HttpBody.Parser).AsTask();
            Assert.That(read.IsCompleted, Is.False);
            call.EndReads();
            reading.SetResult(await read);
            last.SetResult(await call.TryReadAsync(HttpBody.Parser));
            await call.WriteAsync(Body("still here"), Soon());
        });
        await using var call = rig.Start();

        Assert.That((await reading.Task.WaitAsync(Soon())).IsGone, Is.True);
        Assert.That((await last.Task.WaitAsync(Soon())).IsGone, Is.True);
        Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo("still here"));
        Assert.That(await call.ReadAsync(Soon()), Is.Null);
        Assert.That(call.Status, Is.EqualTo(GrpcStatus.Ok));
    }

    [Test]
    public async Task UnreadStreams_DoNotHoldUpOthers()
    {
        using var hold = new CancellationTokenSource();
        await using var rig = await GrpcRig.StartAsync(async call =>
        {
            await call.StartAsync();
            if (call.RequestHeaders["x-lazy"] == "yes")
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, hold.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await EchoAsync(call);
        });
        var large = Body(new string('x', 1_000_000));
        await using var first = rig.Start(("x-lazy", "yes"));
        await using var second = rig.Start(("x-lazy", "yes"));
        Task<bool>[] stuck = [first.WriteAsync(large, Soon()).AsTask(), second.WriteAsync(large, Soon()).AsTask()];

        await using var quick = rig.Start();
        await quick.WriteAsync(Body("quick"), Soon());

        Assert.That(Text(await quick.ReadAsync(Soon())), Is.EqualTo("quick"));
        Assert.That(stuck.Select(static task => task.IsCompleted), Is.All.False);
        await hold.CancelAsync();
        Assert.That(await Task.WhenAll(stuck), Is.All.True);
        Assert.That(await first.ReadAsync(Soon()), Is.EqualTo(large));
    }

    [Test]
    public async Task CancelledRead_LosesNothing()
    {
        var go = new TaskCompletionSource();
        await using var rig = await GrpcRig.StartAsync(async call =>
        {
            using var soon = new CancellationTokenSource();
            var reading = call.ReadAsync(HttpBody.Parser, soon.Token).AsTask();
            await soon.CancelAsync();
            Assert.That(async () => await reading, Throws.InstanceOf<OperationCanceledException>());
            go.SetResult();
            await EchoAsync(call);
        });
        await using var call = rig.Start();
        await go.Task;
        await call.WriteAsync(Body("a"), Soon());
        Assert.That(Text(await call.ReadAsync(Soon())), Is.EqualTo("a"));
    }

    private static async Task EchoAsync(GrpcServerCall call)
    {
        await foreach (var message in call.ReadAllAsync(HttpBody.Parser, Soon()))
        {
            await call.WriteAsync(message, Soon());
        }
    }
}
