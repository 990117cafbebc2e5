using System.Buffers;
using NUnit.Framework;

namespace Sidecar.Tests.Transport;

/// <summary>What a socket as pipes promises while it is open, whether a thread of its own receives, the runtime does, or a poller.</summary>
[TestFixture(Receiver.Thread)]
[TestFixture(Receiver.Runtime)]
[TestFixture(Receiver.Poller)]
public sealed class SocketPipesTests(SocketPipesRig.Receiver receiver) : SocketPipesRig(receiver)
{
    [Test]
    public async Task WhatIsSent_IsReadInOrder_AndNoMoreThanTheReadAheadWaits()
    {
        var (near, far) = Connect(Directory);
        await using var pipes = Open(near, readAhead: 128 * 1024);
        var sending = SendAsync(far, Much);
        var first = await pipes.Input.ReadAsync().AsTask().WaitAsync(Wire.Limit);
        pipes.Input.AdvanceTo(first.Buffer.Start);
        Assert.That(sending.IsCompleted, Is.False, "the reader does not go on, so the peer waits");

        var all = await ReadAllAsync(pipes.Input);
        Assert.That(all, Is.EqualTo(Much));
        await sending.WaitAsync(Wire.Limit);
        far.Dispose();
    }

    [Test]
    public async Task WhatDripsIn_FillsTheSegments()
    {
        var (near, far) = Connect(Directory);
        await using var pipes = Open(near);
        var segments = 0;
        for (var sent = 1; sent <= 200; sent++)
        {
            far.Send([(byte)sent]);
            var read = await pipes.Input.ReadAsync().AsTask().WaitAsync(Wire.Limit);
            segments = 0;
            foreach (var segment in read.Buffer)
            {
                segments++;
            }

            pipes.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        far.Dispose();
        Assert.That(segments, Is.EqualTo(1));
    }

    [Test]
    public async Task CancelledRead_LosesNothing([Values] bool byToken)
    {
        var (near, far) = Connect(Directory);
        using (far)
        {
            await using var pipes = Open(near);
            using var token = new CancellationTokenSource();
            for (var round = 0; round < 3; round++)
            {
                var reading = pipes.Input.ReadAsync(byToken && round == 0 ? token.Token : CancellationToken.None).AsTask();
                Assert.That(reading.IsCompleted, Is.False);
                if (byToken && round == 0)
                {
                    await token.CancelAsync();
                    Assert.That(async () => await reading, Throws.InstanceOf<OperationCanceledException>());
                    continue;
                }

                pipes.Input.CancelPendingRead();
                var result = await reading.WaitAsync(Wire.Limit, CancellationToken.None);
                Assert.That((result.IsCanceled, result.Buffer.Length), Is.EqualTo((true, 0L)));
                pipes.Input.AdvanceTo(result.Buffer.End);
            }

            await far.SendAsync("x"u8.ToArray());
            var read = await pipes.Input.ReadAsync(CancellationToken.None).AsTask().WaitAsync(Wire.Limit, CancellationToken.None);
            Assert.That((read.IsCanceled, read.Buffer.Length), Is.EqualTo((false, 1L)));
        }
    }

    [Test]
    public async Task CancelledWrite_Ends_AndTheNextIsNotCancelled()
    {
        var (near, far) = Connect(Directory);
        using (far)
        {
            await using var pipes = Open(near);
            var writing = pipes.Output.WriteAsync(Much).AsTask();
            Assert.That(writing.IsCompleted, Is.False);
            pipes.Output.CancelPendingFlush();
            Assert.That((await writing.WaitAsync(Wire.Limit)).IsCanceled, Is.True);

            var reading = ReadAllAsync(far);
            Assert.That((await pipes.Output.WriteAsync("x"u8.ToArray()).AsTask().WaitAsync(Wire.Limit)).IsCanceled, Is.False);
            pipes.Output.CancelPendingFlush();
            Assert.That((await pipes.Output.WriteAsync("y"u8.ToArray())).IsCanceled, Is.True, "what is cancelled ahead is the next one");
            await pipes.Output.CompleteAsync();
            Assert.That((await reading.WaitAsync(Wire.Limit))[^1], Is.EqualTo((byte)'x'));
        }
    }

    [Test]
    public async Task WriteWithAToken_EndsWithIt()
    {
        var (near, far) = Connect(Directory);
        using (far)
        {
            await using var pipes = Open(near);
            using var token = new CancellationTokenSource();
            var writing = pipes.Output.WriteAsync(Much, token.Token).AsTask();
            await token.CancelAsync();
            Assert.That(async () => await writing.WaitAsync(Wire.Limit, CancellationToken.None), Throws.InstanceOf<OperationCanceledException>());
        }
    }

    [Test]
    public async Task PeerThatReadsLate_HoldsNeitherReadsNorOtherConnections()
    {
        var (near, far) = Connect(Directory);
        using (far)
        {
            await using var pipes = Open(near);
            for (var round = 0; round < 3; round++)
            {
                var writing = pipes.Output.WriteAsync(Much).AsTask();
                Assert.That(writing.IsCompleted, Is.False);
                await far.SendAsync("x"u8.ToArray());
                var read = await pipes.Input.ReadAsync().AsTask().WaitAsync(Wire.Limit);
                pipes.Input.AdvanceTo(read.Buffer.End);
                Assert.That(await ReadAsync(far, Much.Length).WaitAsync(Wire.Limit), Is.EqualTo(Much));
                Assert.That((await writing.WaitAsync(Wire.Limit)).IsCanceled, Is.False);
            }
        }
    }

    [Test]
    public async Task Crowd_IsServedLikeTheFirst()
    {
        var pairs = Enumerable.Range(0, 100).Select(_ => Connect(Directory)).ToList();
        var all = pairs.ConvertAll(pair => Open(pair.Near));
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < all.Count; i++)
            {
                await pairs[i].Far.SendAsync((byte[])[(byte)i, (byte)round]);
                var got = await all[i].Input.ReadAtLeastAsync(2).AsTask().WaitAsync(Wire.Limit);
                Assert.That(got.Buffer.ToArray(), Is.EqualTo((byte[])[(byte)i, (byte)round]));
                all[i].Input.AdvanceTo(got.Buffer.End);
            }
        }

        all.ForEach(static pipes => pipes.Dispose());
        pairs.ForEach(static pair => pair.Far.Dispose());
        await AssertNoThreadAsync();
    }
}
