using System.Buffers;
using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SocketPipesTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    // More than a socket's buffers take.
    private static readonly byte[] Much = new byte[4 * 1024 * 1024];

    [TearDown]
    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task WhatWasFlushed_ArrivesThoughTheConnectionIsClosedAtOnce()
    {
        var (near, far) = Connect(_directory);
        using (far)
        {
            var reading = CountAsync(far);
            using (var pipes = new SocketPipes(near))
            {
                await pipes.Output.WriteAsync(Much);
            }

            Assert.That(await reading.WaitAsync(Wire.Limit), Is.EqualTo(Much.Length));
        }
    }

    [Test]
    public async Task Closing_EndsWritesThatThePeerDoesNotRead_AndReads()
    {
        var (near, far) = Connect(_directory);
        using (far)
        {
            var pipes = new SocketPipes(near);
            var writing = pipes.Output.WriteAsync(Much).AsTask();
            var reading = pipes.Input.ReadAsync().AsTask();
            Assert.That((writing.IsCompleted, reading.IsCompleted), Is.EqualTo((false, false)));

            pipes.Dispose();
            pipes.Dispose();
            await Task.WhenAll(writing, reading).WaitAsync(Wire.Limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Assert.That((writing.IsCompleted, reading.IsCompleted), Is.EqualTo((true, true)));
        }
    }

    [Test]
    public async Task End_IsSeenWithoutReading([Values] bool isByPeer)
    {
        var (near, far) = Connect(_directory);
        using var pipes = new SocketPipes(near);
        var end = pipes.WatchEnd();
        Assert.That(end.IsCancellationRequested, Is.False);

        (isByPeer ? (IDisposable)far : pipes).Dispose();
        await Eventually.TrueAsync(() => end.IsCancellationRequested, Wire.Limit, "the end");
        far.Dispose();
    }

    [Test]
    public async Task Crowd_IsServedLikeTheFirst()
    {
        var pairs = Enumerable.Range(0, 100).Select(_ => Connect(_directory)).ToList();
        var all = pairs.ConvertAll(static pair => new SocketPipes(pair.Near));
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

    private static async Task<long> CountAsync(Socket socket)
    {
        var (buffer, all) = (new byte[64 * 1024], 0L);
        while (await socket.ReceiveAsync(buffer) is > 0 and var count)
        {
            all += count;
        }

        return all;
    }
}
