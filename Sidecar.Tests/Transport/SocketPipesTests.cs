using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>What a socket as pipes promises, whether a thread of its own receives, the runtime does, or a poller.</summary>
[TestFixture(Receiver.Thread)]
[TestFixture(Receiver.Runtime)]
[TestFixture(Receiver.Poller)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SocketPipesTests(SocketPipesTests.Receiver receiver) : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ReceiveThreads _threads = new(receiver == Receiver.Thread ? 1000 : 0);
    private readonly SocketPoller _poller = new("test");

    // More than a socket's buffers take.
    private static readonly byte[] Much = [.. Enumerable.Range(0, 4 * 1024 * 1024).Select(static i => (byte)(i % 251))];

    [TearDown]
    public void Dispose()
    {
        _poller.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task WhatWasFlushed_ArrivesThoughTheConnectionIsClosedAtOnce([Values] bool isTcp)
    {
        var (near, far) = isTcp ? ConnectTcp() : Connect(_directory);
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

    [Test]
    public async Task WhatIsSent_IsReadInOrder_AndNoMoreThanTheReadAheadWaits()
    {
        var (near, far) = Connect(_directory);
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
        var (near, far) = Connect(_directory);
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
    public async Task Closing_EndsWritesThatThePeerDoesNotRead_AndReads()
    {
        var (near, far) = Connect(_directory);
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
        var (near, far) = Connect(_directory);
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
        var (near, far) = Connect(_directory);
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
        var (near, far) = Connect(_directory);
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
        var (near, far) = Connect(_directory);
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
        var (near, far) = Connect(_directory);
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
    public async Task CancelledRead_LosesNothing([Values] bool byToken)
    {
        var (near, far) = Connect(_directory);
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
        var (near, far) = Connect(_directory);
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
        var (near, far) = Connect(_directory);
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
        var (near, far) = Connect(_directory);
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
    public async Task PeerThatIsGone_FailsTheWrite_AndTheReadEnds([Values] bool hasUnread)
    {
        var (near, far) = Connect(_directory);
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
    public async Task ReaderThatBlocks_HoldsNoOtherConnection_NorWrites()
    {
        using var release = new SemaphoreSlim(0);
        var (near, far) = Connect(_directory);
        var (otherNear, otherFar) = Connect(_directory);
        using (far)
        using (otherFar)
        {
            await using var pipes = Open(near);
            await using var others = Open(otherNear);
            var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var reading = Task.Run(async () =>
            {
                await pipes.Input.ReadAsync().ConfigureAwait(false);
                blocked.SetResult();
                release.Wait(Wire.Limit);
            });
            await far.SendAsync("x"u8.ToArray());
            await blocked.Task.WaitAsync(Wire.Limit);
            await otherFar.SendAsync("y"u8.ToArray());
            Assert.That((await others.Input.ReadAsync().AsTask().WaitAsync(Wire.Limit)).Buffer.Length, Is.EqualTo(1));
            await pipes.Output.WriteAsync("z"u8.ToArray());
            Assert.That(await ReadAsync(far, 1).WaitAsync(Wire.Limit), Is.EqualTo("z"u8.ToArray()));
            release.Release();
            await reading.WaitAsync(Wire.Limit);
        }
    }

    [Test]
    public async Task Crowd_IsServedLikeTheFirst()
    {
        var pairs = Enumerable.Range(0, 100).Select(_ => Connect(_directory)).ToList();
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

    /// <summary>Who receives.</summary>
    public enum Receiver
    {
        /// <summary>A thread of the connection's own.</summary>
        Thread,

        /// <summary>The runtime's asynchronous sockets.</summary>
        Runtime,

        /// <summary>A poller's thread.</summary>
        Poller,
    }

    /// <summary>Two ends of a connection.</summary>
    internal static (Socket Near, Socket Far) Connect(TempDirectory directory)
    {
        var path = directory.Socket(Guid.NewGuid().ToString("N")[..8]);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var near = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        near.Connect(new UnixDomainSocketEndPoint(path));
        return (near, listener.Accept());
    }

    private static (Socket Near, Socket Far) ConnectTcp()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        near.Connect(listener.LocalEndPoint!);
        return (near, listener.Accept());
    }

    private SocketPipes Open(Socket socket, int readAhead = SocketPipes.ReadAhead)
    {
        var pipes = receiver == Receiver.Poller ? new SocketPipes(socket, _poller, SocketPipes.Ahead(readAhead)) : new SocketPipes(socket, readAhead, _threads);
        Assert.That(pipes.HasThread, Is.EqualTo(receiver == Receiver.Thread));
        return pipes;
    }

    private Task AssertNoThreadAsync() => Eventually.TrueAsync(() => _threads.Count == 0, Wire.Limit, "the threads' end");

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task<byte[]> ReadAllAsync(PipeReader reader)
    {
        var all = new MemoryStream();
        await reader.CopyToAsync(all).WaitAsync(Wire.Limit);
        return all.ToArray();
    }

    private static async Task<byte[]> ReadAllAsync(Socket socket)
    {
        var (buffer, all) = (new byte[64 * 1024], new MemoryStream());
        while (await socket.ReceiveAsync(buffer) is > 0 and var count)
        {
            all.Write(buffer, 0, count);
        }

        return all.ToArray();
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int length)
    {
        var bytes = new byte[length];
        for (var read = 0; read < length;)
        {
            read += await socket.ReceiveAsync(bytes.AsMemory(read)) is > 0 and var count ? count : throw new EndOfStreamException();
        }

        return bytes;
    }
}
