using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>What is sent while a read loop works through what one receive brought goes out at the end of that, by the loop itself.</summary>
public sealed class FlushBatchTests
{
    private const int Frames = 50;

    private static byte[] Batch { get; } = [.. Enumerable.Repeat(Wire.Sized(20), Frames).SelectMany(static frame => frame)];

    [Test]
    public async Task FramesSentForWhatCameTogether_GoOutInParts()
    {
        var pair = new DuplexPipePair();
        FrameConnection connection = null!;
        connection = new FrameConnection(pair.Near);
        var running = connection.RunAsync(new RecordingFrameHandler(_ => connection.TrySend(Wire.ToSend(30))));
        await pair.Far.Output.WriteAsync(Batch);
        await Eventually.TrueAsync(() => connection.Flushes > 0 && connection.FramesSent == Frames, Wire.Limit, "the answers");
        Assert.That(connection.Flushes, Is.LessThanOrEqualTo((Frames + 7) / 8));

        connection.Close();
        Assert.That(await Wire.ReadAllAsync(pair.Far.Input), Has.Count.EqualTo(Frames));
        await running.WaitAsync(Wire.Limit);
    }

    [Test]
    public async Task FramesSentForASmallOne_DoNotWaitForTheLargeOneBehindIt()
    {
        var pair = new DuplexPipePair();
        FrameConnection connection = null!;
        connection = new FrameConnection(pair.Near);
        List<long> flushes = [];
        var running = connection.RunAsync(new RecordingFrameHandler(_ =>
        {
            flushes.Add(connection.Flushes);
            connection.TrySend(Wire.ToSend(30));
        }));
        await pair.Far.Output.WriteAsync((byte[])[.. Wire.Sized(20), .. Wire.Sized(20), .. Wire.Sized(20 * 1024)]);
        await Eventually.TrueAsync(() => connection.FramesSent == 3, Wire.Limit, "the answers");

        connection.Close();
        Assert.That(await Wire.ReadAllAsync(pair.Far.Input), Has.Count.EqualTo(3));
        await running.WaitAsync(Wire.Limit);
        Assert.That(flushes, Is.EqualTo(new[] { 0L, 0L, 1L }));
    }

    [Test]
    public async Task FramesOfABatchWithinAnother_GoOutInPartsAsWell()
    {
        var pair = new DuplexPipePair(PipeScheduler.Inline, pauseThreshold: 1024 * 1024);
        FrameConnection connection = null!;
        connection = new FrameConnection(pair.Near);
        List<long> flushes = [];
        var running = connection.RunAsync(new RecordingFrameHandler(_ =>
        {
            flushes.Add(connection.Flushes);
            connection.TrySend(Wire.ToSend(30));
        }));

        // As on a thread that reads for many connections.
        FlushBatch.Begin();
        var writing = pair.Far.Output.WriteAsync(Batch).AsTask();
        FlushBatch.End();
        await writing.WaitAsync(Wire.Limit);
        await Eventually.TrueAsync(() => connection.FramesSent == Frames, Wire.Limit, "the answers");

        connection.Close();
        await running.WaitAsync(Wire.Limit);
        Assert.That(flushes[8], Is.EqualTo(1));
    }

    [Test]
    public async Task OtherConnections_AreFlushedWithTheBatch_HoweverManyTheyAre()
    {
        const int Others = 200;
        var pair = new DuplexPipePair();
        var others = Enumerable.Range(0, Others).Select(static _ => new DuplexPipePair()).ToList();
        var senders = others.ConvertAll(static other => new FrameConnection(other.Near));
        var runs = senders.ConvertAll(static sender => sender.RunAsync(new RecordingFrameHandler()));
        var connection = new FrameConnection(pair.Near);
        var running = connection.RunAsync(new RecordingFrameHandler(_ => senders.ForEach(static sender => sender.TrySend(Wire.ToSend(30)))));
        await pair.Far.Output.WriteAsync(Batch);
        foreach (var other in others)
        {
            for (var i = 0; i < Frames; i++)
            {
                Assert.That(await Wire.ReadAsync(other.Far.Input), Is.Not.Null);
            }
        }

        connection.Close();
        senders.ForEach(static sender => sender.Close());
        await Task.WhenAll([running, .. runs]).WaitAsync(Wire.Limit);
    }

    [Test]
    public async Task PeersOfOneThread_ThatAnswerEachOther_DoNotNest()
    {
        const int Rounds = 20_000;
        var pair = new DuplexPipePair();
        var (near, far) = (new FrameConnection(pair.Near), new FrameConnection(pair.Far));
        var rounds = 0;
        var running = Task.WhenAll(
            near.RunAsync(new RecordingFrameHandler(_ => near.TrySend(Wire.ToSend(10)))),
            far.RunAsync(new RecordingFrameHandler(_ =>
            {
                if (++rounds < Rounds)
                {
                    far.TrySend(Wire.ToSend(10));
                }
            })));
        far.TrySend(Wire.ToSend(10));
        await Eventually.TrueAsync(() => rounds == Rounds, Wire.Limit, "the last answer");
        near.Close();
        far.Close();
        await running.WaitAsync(Wire.Limit);
        Assert.That((near.End, far.End), Is.EqualTo((FrameConnectionEnd.ClosedLocally, FrameConnectionEnd.ClosedLocally)));
    }

    [Test]
    public async Task SendThatHasToWait_DoesNotHoldTheLoop()
    {
        var pair = new DuplexPipePair(pauseThreshold: 10, resumeThreshold: 1);
        FrameConnection connection = null!;
        connection = new FrameConnection(pair.Near);
        var handler = new RecordingFrameHandler(_ => connection.TrySend(Wire.ToSend(30)));
        var running = connection.RunAsync(handler);
        for (var i = 1; i <= 3; i++)
        {
            await pair.Far.Output.WriteAsync(Wire.Sized(20));
            await Eventually.TrueAsync(() => handler.Frames.Count == i, Wire.Limit, "the frame that comes while the flush waits");
        }

        Assert.That(connection.Flushes, Is.Zero);
        await pair.Far.Output.CompleteAsync();
        Assert.That(await Wire.ReadAllAsync(pair.Far.Input), Has.Count.EqualTo(3));
        await running.WaitAsync(Wire.Limit);
    }

    [Test]
    public async Task HandlerThatFails_LeavesTheThreadWithoutABatch()
    {
        var pair = new DuplexPipePair();
        var connection = new FrameConnection(pair.Near);
        var handler = new RecordingFrameHandler(_ => throw new InvalidOperationException("a defect"));
        var failing = connection.RunAsync(handler);
        await pair.Far.Output.WriteAsync(Batch);
        await failing.WaitAsync(Wire.Limit);
        Assert.That(handler.End, Is.EqualTo(FrameConnectionEnd.HandlerFailure));

        // Whatever thread this is, none of them is left in a batch that nobody ends.
        var next = new DuplexPipePair();
        var sender = new FrameConnection(next.Near);
        var running = sender.RunAsync(new RecordingFrameHandler());
        sender.TrySend(Wire.ToSend(10));
        Assert.That(await Wire.ReadAsync(next.Far.Input), Is.Not.Null);
        sender.Close();
        await running.WaitAsync(Wire.Limit);
    }
}
