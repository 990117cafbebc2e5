using System.Buffers.Binary;
using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class FrameSendingTests
{
    private static readonly FrameConnectionOptions Small = new() { MaxUnsentBytes = 100 };
    private readonly FakeTimeProvider _time = new();

    [Test]
    public async Task ManySenders_SendWholeFramesEachInItsOrder()
    {
        const int Senders = 8;
        const int Each = 400;
        var pair = new DuplexPipePair(PipeScheduler.ThreadPool, pauseThreshold: 4096);
        var connection = new FrameConnection(pair.Near, new FrameConnectionOptions { MaxUnsentBytes = 8192 });
        var running = connection.RunAsync(new RecordingFrameHandler());
        var reading = Wire.ReadAllAsync(pair.Far.Input);
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++)
            {
                var payload = new byte[8 + ((i * 37) % 300)];
                payload.AsSpan().Fill((byte)sender);
                BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(4), i);
                Assert.That(
                    await connection.SendAsync(new OutgoingFrame((MessageType)(0x80 + sender), payload), Wire.Limit, TimeProvider.System),
                    Is.EqualTo(SendStatus.Sent));
            }
        }))).WaitAsync(Wire.Limit);
        connection.Close();
        await running.WaitAsync(Wire.Limit);

        var frames = await reading;
        Assert.That(frames, Has.Count.EqualTo(Senders * Each));
        Assert.That(connection.FramesSent, Is.EqualTo(Senders * Each));
        foreach (var group in frames.GroupBy(frame => frame.Type))
        {
            Assert.That(group.Select(frame => BinaryPrimitives.ReadInt32BigEndian(frame.Payload.AsSpan(4))), Is.EqualTo(Enumerable.Range(0, Each)));
            Assert.That(group.All(frame => frame.Payload.AsSpan(8).IndexOfAnyExcept((byte)(group.Key - 0x80)) < 0), Is.True);
        }
    }

    [Test]
    public async Task FramesSentDuringAFlush_GoOutTogether()
    {
        var pair = new DuplexPipePair(pauseThreshold: 10, resumeThreshold: 1);
        var connection = new FrameConnection(pair.Near);
        _ = connection.RunAsync(new RecordingFrameHandler());
        connection.TrySend(Wire.ToSend(10));
        await FlushPendingAsync(connection);
        for (var i = 0; i < 50; i++)
        {
            Assert.That(connection.TrySend(Wire.ToSend(20)), Is.EqualTo(SendStatus.Sent));
        }

        Assert.That(connection.Flushes, Is.Zero);
        for (var i = 0; i < 51; i++)
        {
            await Wire.ReadAsync(pair.Far.Input);
        }

        await Eventually.TrueAsync(() => connection.Flushes == 2, Wire.Limit, "both flushes to end");
        Assert.That(connection.FramesSent, Is.EqualTo(51));
    }

    [Test]
    public async Task FullBuffer_RefusesToTheByteAndTakesALargeFrameOnlyAlone()
    {
        var pair = new DuplexPipePair(pauseThreshold: 10, resumeThreshold: 1);
        var connection = new FrameConnection(pair.Near, Small);
        _ = connection.RunAsync(new RecordingFrameHandler());
        connection.TrySend(Wire.ToSend(10));
        await FlushPendingAsync(connection);

        Assert.That(connection.TrySend(Wire.ToSend(60)), Is.EqualTo(SendStatus.Sent));
        Assert.That(connection.TrySend(Wire.ToSend(41)), Is.EqualTo(SendStatus.Full), "one byte too many");
        Assert.That(connection.TrySend(Wire.ToSend(40)), Is.EqualTo(SendStatus.Sent), "exactly full");
        Assert.That(connection.TrySend(Wire.ToSend(5)), Is.EqualTo(SendStatus.Full));
        Assert.That(connection.TrySend(Wire.ToSend(1000)), Is.EqualTo(SendStatus.Full), "not alone");

        // Reading the first lets the loop take the rest and get stuck in the next flush with an empty buffer.
        await Wire.ReadAsync(pair.Far.Input);
        await FlushPendingAsync(connection, flushes: 1);
        Assert.That(connection.TrySend(Wire.ToSend(1000)), Is.EqualTo(SendStatus.Sent), "alone");
        Assert.That(connection.TrySend(Wire.ToSend(5)), Is.EqualTo(SendStatus.Full));
        connection.Close();
        var sizes = (await Wire.ReadAllAsync(pair.Far.Input)).Select(frame => frame.Payload.Length + 5);
        Assert.That(sizes, Is.EqualTo(new[] { 60, 40, 1000 }));
    }

    [Test]
    public async Task SendAsync_WaitsUntilThePeerReads()
    {
        var (pair, connection) = await FullAsync();
        var sending = connection.SendAsync(Wire.ToSend(50, 7), TimeSpan.FromSeconds(1), _time).AsTask();
        Assert.That(sending.IsCompleted, Is.False);

        await Wire.ReadAsync(pair.Far.Input);
        Assert.That(await sending.WaitAsync(Wire.Limit), Is.EqualTo(SendStatus.Sent));
        Assert.That(await Wire.ReadAsync(pair.Far.Input), Is.Not.Null);
        Assert.That((await Wire.ReadAsync(pair.Far.Input))!.Value.Payload, Is.EqualTo(Enumerable.Repeat((byte)7, 45)));
        await Eventually.TrueAsync(() => _time.ActiveTimers == 0, Wire.Limit, "timers to be disposed");
    }

    [Test]
    public async Task SendAsync_GivesUpAtItsDeadlineAndNotBefore()
    {
        var (_, connection) = await FullAsync();
        var sending = connection.SendAsync(Wire.ToSend(50), TimeSpan.FromSeconds(1), _time).AsTask();
        await Eventually.TrueAsync(() => _time.ArmedTimers == 1, Wire.Limit, "the deadline to be armed");
        _time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));
        Assert.That(sending.IsCompleted, Is.False);

        _time.AdvanceTicks(1);
        Assert.That(await sending.WaitAsync(Wire.Limit), Is.EqualTo(SendStatus.Full));
        await Eventually.TrueAsync(() => _time.ActiveTimers == 0, Wire.Limit, "timers to be disposed");
    }

    [Test]
    public async Task SendAsyncThatWaits_EndsWithTheConnection([Values] bool abort)
    {
        var (_, connection) = await FullAsync();
        var sending = connection.SendAsync(Wire.ToSend(50), TimeSpan.FromSeconds(1), _time).AsTask();
        if (abort)
        {
            connection.Abort(FrameConnectionEnd.TransportError);
        }
        else
        {
            connection.Close();
        }

        Assert.That(await sending.WaitAsync(Wire.Limit), Is.EqualTo(SendStatus.Closed));
        Assert.That(connection.TrySend(Wire.ToSend(5)), Is.EqualTo(SendStatus.Closed));
    }

    // One frame in a flush that waits for the peer, 100 bytes behind it: no room.
    private static async Task<(DuplexPipePair Pair, FrameConnection Connection)> FullAsync()
    {
        var pair = new DuplexPipePair(pauseThreshold: 10, resumeThreshold: 1);
        var connection = new FrameConnection(pair.Near, Small);
        _ = connection.RunAsync(new RecordingFrameHandler());
        connection.TrySend(Wire.ToSend(10));
        await FlushPendingAsync(connection);
        Assert.That(connection.TrySend(Wire.ToSend(100)), Is.EqualTo(SendStatus.Sent));
        return (pair, connection);
    }

    // The buffer is empty while its last content waits in the flush.
    private static async Task FlushPendingAsync(FrameConnection connection, long flushes = 0)
    {
        Assert.That(await connection.WaitForRoomAsync(Wire.Limit, TimeProvider.System), Is.True);
        Assert.That(connection.Flushes, Is.EqualTo(flushes));
    }
}
