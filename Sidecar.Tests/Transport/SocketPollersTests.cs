using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>The threads that read for a listener survive what they call, and one that has ended gets nothing new.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SocketPollersTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeLogger _logger = new();

    public void Dispose() => _directory.Dispose();

    [Test]
    public async Task ReaderThatFails_IsLogged_AndOthersAreReadOn()
    {
        using var poller = new SocketPoller("test", _logger);
        var (near, far) = SocketPipesRig.Connect(_directory);
        using (near)
        using (far)
        {
            poller.Resume(poller.Take(new FailingReader(poller, near)), near.SafeHandle);
            far.Send([1]);
            await _logger.Collector.WaitForAsync(static entry => entry.Id.Id == 146, Wire.Limit);
        }

        var (other, peer) = SocketPipesRig.Connect(_directory);
        await using var pipes = new SocketPipes(other, poller, SocketPipes.Ahead(SocketPipes.ReadAhead));
        peer.Send([2]);
        var read = await pipes.Input.ReadAsync().AsTask().WaitAsync(Wire.Limit);
        peer.Dispose();
        Assert.That(read.Buffer.FirstSpan.ToArray(), Is.EqualTo(new byte[] { 2 }));
    }

    [Test]
    public async Task Stopped_TakesNoMore()
    {
        var pollers = new SocketPollers("test", _logger);
        Assert.That(pollers.Next().Ended.IsCompleted, Is.False);
        await pollers.DisposeAsync().AsTask().WaitAsync(Wire.Limit);

        var (near, far) = SocketPipesRig.Connect(_directory);
        using (near)
        using (far)
        {
            Assert.That(() => new SocketPipes(near, pollers.Next(), SocketPipes.Ahead(SocketPipes.ReadAhead)), Throws.InstanceOf<IOException>());
        }
    }

    private sealed class FailingReader(SocketPoller poller, Socket socket) : IPolledSocket
    {
        public void OnReadable()
        {
            poller.Pause(socket.SafeHandle);
            throw new InvalidOperationException("a defect");
        }

        public void OnPollerEnded()
        {
        }
    }
}
