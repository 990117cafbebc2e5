using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>What becomes of reads and writes when either side ends a connection, or half of it.</summary>
[TestFixture(Receiver.Thread)]
[TestFixture(Receiver.Runtime)]
[TestFixture(Receiver.Poller)]
public sealed class SocketPipesEndTests(SocketPipesRig.Receiver receiver) : SocketPipesRig(receiver)
{
    [Test]
    public async Task Closing_EndsWritesThatThePeerDoesNotRead_AndReads()
    {
        var (near, far) = Connect(Directory);
        using (far)
        {
            var pipes = Open(near);
            var writing = pipes.Output.WriteAsync(Much).AsTask();
            var reading = pipes.Input.ReadAsync().AsTask();
            Assert.That((writing.IsCompleted, reading.IsCompleted), Is.EqualTo((false, false)));

            pipes.Dispose();
            await pipes.DisposeAsync().AsTask().WaitAsync(Wire.Limit);
            await Task.WhenAll(writing, reading).WaitAsync(Wire.Limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Assert.That((writing.IsCompleted, reading.IsCompleted), Is.EqualTo((true, true)));
            await AssertNoThreadAsync();
        }
    }

    [Test]
    public async Task ClosingByTheReaderItself_Ends()
    {
        var (near, far) = Connect(Directory);
        using (far)
        {
            var pipes = Open(near);
            var closing = Task.Run(async () =>
            {
                await pipes.Input.ReadAsync().ConfigureAwait(false);
                pipes.Dispose();
                await pipes.DisposeAsync().ConfigureAwait(false);
            });
            await far.SendAsync("x"u8.ToArray());
            await closing.WaitAsync(Wire.Limit);
            Assert.That(await far.ReceiveAsync(new byte[1]).WaitAsync(Wire.Limit), Is.Zero);
            await AssertNoThreadAsync();
        }
    }

    [Test]
    public async Task Closing_WhileThePeerSendsAndNobodyReads_Ends()
    {
        var (near, far) = Connect(Directory);
        using (far)
        {
            var pipes = Open(near, readAhead: 64 * 1024);
            var sending = SendAsync(far, Much);
            var first = await pipes.Input.ReadAsync().AsTask().WaitAsync(Wire.Limit);
            pipes.Input.AdvanceTo(first.Buffer.Start);
            await pipes.DisposeAsync().AsTask().WaitAsync(Wire.Limit);
            await sending.WaitAsync(Wire.Limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Assert.That(sending.IsFaulted, Is.True);
            await AssertNoThreadAsync();
        }
    }

    [Test]
    public async Task End_IsSeenWithoutReading([Values] bool isByPeer)
    {
        var (near, far) = Connect(Directory);
        using var pipes = Open(near);
        var end = pipes.WatchEnd();
        Assert.That(end.IsCancellationRequested, Is.False);

        (isByPeer ? (IDisposable)far : pipes).Dispose();
        await Eventually.TrueAsync(() => end.IsCancellationRequested, Wire.Limit, "the end");
        far.Dispose();
    }

    [Test]
    public async Task PeerThatSendsNoMore_IsStillWrittenTo()
    {
        var (near, far) = Connect(Directory);
        using (far)
        {
            await using var pipes = Open(near);
            await far.SendAsync("last"u8.ToArray());
            far.Shutdown(SocketShutdown.Send);
            Assert.That(await ReadAllAsync(pipes.Input), Is.EqualTo("last"u8.ToArray()));

            await pipes.Output.WriteAsync("answer"u8.ToArray());
            await pipes.Output.CompleteAsync();
            Assert.That(await ReadAllAsync(far).WaitAsync(Wire.Limit), Is.EqualTo("answer"u8.ToArray()));
        }
    }

    [Test]
    public async Task CompletedOutput_IsAnEndForThePeer_AndReadingGoesOn()
    {
        var (near, far) = Connect(Directory);
        using (far)
        {
            await using var pipes = Open(near);
            await pipes.Output.WriteAsync("last"u8.ToArray());
            await pipes.Output.CompleteAsync();
            await pipes.Output.CompleteAsync();
            Assert.That(await ReadAllAsync(far).WaitAsync(Wire.Limit), Is.EqualTo("last"u8.ToArray()));

            await far.SendAsync("answer"u8.ToArray());
            far.Shutdown(SocketShutdown.Send);
            Assert.That(await ReadAllAsync(pipes.Input), Is.EqualTo("answer"u8.ToArray()));
        }
    }

    [Test]
    public async Task PeerThatIsGone_FailsTheWrite_AndTheReadEnds([Values] bool hasUnread)
    {
        var (near, far) = Connect(Directory);
        await using var pipes = Open(near);
        if (hasUnread)
        {
            await pipes.Output.WriteAsync("never read"u8.ToArray());
        }

        far.Dispose();
        Assert.That(async () => await pipes.Output.WriteAsync(Much), Throws.InstanceOf<IOException>());
        var reading = ReadAllAsync(pipes.Input).WaitAsync(Wire.Limit);
        await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.That(reading.IsCompletedSuccessfully || reading.Exception!.InnerException is IOException, Is.True);
    }

    [Test]
    public async Task WhatWasFlushed_ArrivesThoughTheConnectionIsClosedAtOnce([Values] bool isTcp)
    {
        var (near, far) = isTcp ? ConnectTcp() : Connect(Directory);
        using (far)
        {
            var reading = ReadAllAsync(far);
            await using (var pipes = Open(near))
            {
                await pipes.Output.WriteAsync(Much);
            }

            Assert.That(await reading.WaitAsync(Wire.Limit), Is.EqualTo(Much));
        }
    }
}
