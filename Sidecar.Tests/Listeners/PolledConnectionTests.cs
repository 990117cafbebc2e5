using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using NUnit.Framework;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners;

#pragma warning disable MA0040 // The token of a connection fires at its end, which is what is tested.

/// <summary>Connections whose reader runs on the poller's thread, as the transport makes them for Kestrel.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PolledConnectionTests : IDisposable
{
    private const int Large = 4 * 1024 * 1024;

    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private static readonly PolledPipes Pipes = new(runsOnPoller: true, segmentSize: 8 * 1024);

    private readonly TempDirectory _directory = new();
    private readonly SocketPoller _poller = new("test");

    public void Dispose()
    {
        _poller.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task WhatComes_IsReadOnThePollersThread_AndAnsweredByWhoReads()
    {
        var (client, connection) = await ConnectAsync();
        using var closing = client;
        var threads = new List<string?>();
        var echo = EchoAsync(connection, threads);
        for (byte i = 1; i <= 3; i++)
        {
            client.Send([i]);
            Assert.That(await ReceiveAsync(client, 1), Is.EqualTo(new[] { i }));
        }

        client.Shutdown(SocketShutdown.Send);
        await echo.WaitAsync(Generous);
        await connection.DisposeAsync().AsTask().WaitAsync(Generous);
        Assert.That(threads, Is.Not.Empty.And.All.EqualTo("test"));
        Assert.That(connection.Ended.IsCompletedSuccessfully);
    }

    [Test]
    public async Task WhatReadersSendOn_GoesOutFromThePollersThread()
    {
        var (client, connection) = await ConnectAsync();
        using var closing = client;
        var pipe = new Pipe(new PipeOptions(readerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
        var output = new FrameOutput(pipe.Writer, Large);
        var running = output.RunAsync();
        var threads = new List<string?>();
        var relaying = RelayAsync(connection, output);
        for (byte i = 1; i <= 3; i++)
        {
            var sent = ThreadOfNextAsync(pipe.Reader);
            client.Send([i]);
            threads.Add(await sent.WaitAsync(Generous));
        }

        client.Shutdown(SocketShutdown.Send);
        await relaying.WaitAsync(Generous);
        output.Close(discard: false);
        Assert.That(await running.WaitAsync(Generous), Is.Null);
        await connection.DisposeAsync().AsTask().WaitAsync(Generous);
        Assert.That(threads, Is.All.EqualTo("test"));
    }

    [Test]
    public async Task MoreThanIsReadAhead_Waits_AndComesWhole()
    {
        var (client, connection) = await ConnectAsync();
        using var closing = client;
        var sent = new byte[Large];
        new Random(1).NextBytes(sent);
        var sending = SendAsync(client, sent);
        var read = new ArrayBufferWriter<byte>();
        while (read.WrittenCount < Large)
        {
            var result = await connection.Transport.Input.ReadAsync().AsTask().WaitAsync(Generous);
            foreach (var piece in result.Buffer)
            {
                read.Write(piece.Span);
            }

            connection.Transport.Input.AdvanceTo(result.Buffer.End);
        }

        await sending.WaitAsync(Generous);
        await connection.DisposeAsync().AsTask().WaitAsync(Generous);
        Assert.That(read.WrittenSpan.SequenceEqual(sent));
    }

    [Test]
    public async Task LongMessage_IsReceivedInSegmentsAsLargeAsTheyAreSaidToBe()
    {
        const int Segment = 32 * 1024;
        var (client, connection, _) = await AcceptAsync(new PolledPipes(runsOnPoller: true, Segment));
        using var closing = client;

        // Not received before all of it is there, because what came before it has not been read.
        using var first = new SemaphoreSlim(0);
        using var all = new SemaphoreSlim(0);
        var reading = ReadAsync();
        client.Send([1]);
        await first.WaitAsync(Generous);
        client.Send(new byte[Segment]);
        all.Release();

        Assert.That(await reading.WaitAsync(Generous), Is.EqualTo(Segment));
        await connection.DisposeAsync().AsTask().WaitAsync(Generous);

        async Task<int> ReadAsync()
        {
            var one = await connection.Transport.Input.ReadAsync().ConfigureAwait(false);
            connection.Transport.Input.AdvanceTo(one.Buffer.End);
            first.Release();

            // It blocks the poller's thread, so that nothing is received meanwhile.
            all.Wait(Generous);
            var rest = await connection.Transport.Input.ReadAsync().ConfigureAwait(false);
            return rest.Buffer.First.Length;
        }
    }

    [Test]
    public async Task PeerThatReadsLate_GetsAllThatWasWritten()
    {
        var (client, connection) = await ConnectAsync();
        using var closing = client;
        var sent = new byte[Large];
        new Random(2).NextBytes(sent);
        var writing = WriteAsync(connection, sent);
        var got = await ReceiveAsync(client, Large);
        await writing.WaitAsync(Generous);
        await connection.DisposeAsync().AsTask().WaitAsync(Generous);

        Assert.That(got.AsSpan().SequenceEqual(sent));
        Assert.That(await ReceiveAsync(client, 1), Is.Empty, "the end");
    }

    [Test]
    public async Task PeerThatGoes_IsTold_WhileWhoReadsIsBusyWithSomethingElse()
    {
        var (client, connection) = await ConnectAsync();
        var closed = Cancelled(connection.ConnectionClosed);
        client.Send([1]);
        await connection.Transport.Input.ReadAsync().AsTask().WaitAsync(Generous);
        client.Dispose();

        await closed.WaitAsync(Generous);
        await connection.DisposeAsync().AsTask().WaitAsync(Generous);
        Assert.That(connection.Ended.IsCompleted);
    }

    [Test]
    public async Task PeerThatGoes_WhileTooMuchLiesUnread_LeavesNothingBehind()
    {
        var (client, connection) = await ConnectAsync();
        var sending = SendAsync(client, new byte[Large]);
        await Eventually.TrueAsync(
            () => connection.Transport.Input.TryRead(out var result) && Keep(connection, result) > 1024 * 1024 / 2, Generous, "a full pipe");
        client.Dispose();

        await connection.DisposeAsync().AsTask().WaitAsync(Generous);
        Assert.That(await Ends(sending.WaitAsync(Generous)), Is.False, "not all could be sent");
    }

    [Test]
    public async Task Abort_EndsReadingAndWriting()
    {
        var (client, connection) = await ConnectAsync();
        using var closing = client;
        var reading = connection.Transport.Input.ReadAsync().AsTask();
        connection.Abort(new ConnectionAbortedException());

        Assert.That((await reading.WaitAsync(Generous)).IsCompleted);
        Assert.That(await ReceiveAsync(client, 1), Is.Empty);
        await connection.DisposeAsync().AsTask().WaitAsync(Generous);
    }

    [Test]
    public async Task SocketClosedUnderIt_IsAnEndAsWell()
    {
        var (client, connection, socket) = await AcceptAsync();
        using var closing = client;
        socket.Dispose();

        await connection.DisposeAsync().AsTask().WaitAsync(Generous);
        Assert.That(connection.Ended.IsCompleted);
    }

    [Test]
    public async Task PollerThatEnds_EndsItsConnections_AndTakesNoMore()
    {
        var (client, connection) = await ConnectAsync();
        using var closing = client;
        var reading = connection.Transport.Input.ReadAsync().AsTask();
        _poller.Dispose();

        Assert.That(await Ends(reading.WaitAsync(Generous)), Is.False);
        await connection.DisposeAsync().AsTask().WaitAsync(Generous);
        using var late = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Assert.That(() => new SocketPipes(late, _poller, Pipes.Receiving), Throws.InstanceOf<IOException>());
    }

    private static async Task EchoAsync(PolledConnection connection, List<string?> threads)
    {
        while (await connection.Transport.Input.ReadAsync().ConfigureAwait(false) is { Buffer.IsEmpty: false } result)
        {
            threads.Add(Thread.CurrentThread.Name);
            foreach (var piece in result.Buffer)
            {
                connection.Transport.Output.Write(piece.Span);
            }

            connection.Transport.Input.AdvanceTo(result.Buffer.End);
            await connection.Transport.Output.FlushAsync().ConfigureAwait(false);
        }
    }

    private static async Task RelayAsync(PolledConnection connection, FrameOutput output)
    {
        while (await connection.Transport.Input.ReadAsync().ConfigureAwait(false) is { Buffer.IsEmpty: false } result)
        {
            output.TryAppend(result.Buffer.FirstSpan);
            connection.Transport.Input.AdvanceTo(result.Buffer.End);
        }
    }

    private static async Task<string?> ThreadOfNextAsync(PipeReader reader)
    {
        var result = await reader.ReadAsync().ConfigureAwait(false);
        var name = Thread.CurrentThread.Name;
        reader.AdvanceTo(result.Buffer.End);
        return name;
    }

    // Leaves what was read unread, and says how much it is.
    private static long Keep(PolledConnection connection, ReadResult result)
    {
        connection.Transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.Start);
        return result.Buffer.Length;
    }

    private static async Task<bool> Ends(Task task)
    {
        try
        {
            await task;
            return true;
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or ConnectionAbortedException)
        {
            return false;
        }
    }

    private static Task Cancelled(CancellationToken token)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        token.Register(fired.SetResult);
        return fired.Task;
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    private static async Task WriteAsync(PolledConnection connection, ReadOnlyMemory<byte> bytes) => await connection.Transport.Output.WriteAsync(bytes);

    private static async Task<byte[]> ReceiveAsync(Socket socket, int count)
    {
        var bytes = new byte[count];
        var got = 0;
        while (got < count && await socket.ReceiveAsync(bytes.AsMemory(got)).AsTask().WaitAsync(Generous) is > 0 and var more)
        {
            got += more;
        }

        return bytes[..got];
    }

    private async Task<(Socket Client, PolledConnection Connection)> ConnectAsync() =>
        await AcceptAsync() is var (client, connection, _) ? (client, connection) : default;

    private async Task<(Socket Client, PolledConnection Connection, Socket Accepted)> AcceptAsync(PolledPipes? pipes = null)
    {
        pipes ??= Pipes;
        var path = new UnixDomainSocketEndPoint(_directory.File("s"));
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(path);
        listener.Listen();
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(path);
        var accepted = await listener.AcceptAsync();
        return (client, new PolledConnection(new SocketPipes(accepted, _poller, pipes.Receiving), "c", accepted, pipes.Sending), accepted);
    }
}
