using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>What is known of a connection that was accepted, and how it is waited for its first byte, by whoever then receives.</summary>
[TestFixture(0)]
[TestFixture(65_536)]
[TestFixture(Polled)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AcceptedSocketTests(int readAhead) : IDisposable
{
    private const int Polled = -1;

    private readonly SocketPoller _poller = new("test");
    private readonly TaskCompletionSource<AcceptedSocket> _accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private FirstData? _first;

    [TearDown]
    public void Dispose()
    {
        _stopping.Dispose();
        _poller.Dispose();
        if (_accepted.Task.IsCompletedSuccessfully)
        {
            _accepted.Task.GetAwaiter().GetResult().Close();
        }
    }

    [Test]
    public async Task PeerThatSends_IsHandedOverWithWhatItSent()
    {
        await using var rig = Waiting();
        await rig.Connect().SendAsync(new byte[] { 42 });
        await WaitedAsync(FirstData.Came);
        var read = await (await _accepted.Task).Open().Input.ReadAsync(CancellationToken.None).AsTask().WaitAsync(Wire.Limit, CancellationToken.None);
        Assert.That((read.Buffer.Length, read.Buffer.FirstSpan[0]), Is.EqualTo((1L, (byte)42)), "nothing was taken");
    }

    [Test]
    public async Task PeerThatCloses_IsHandedOver()
    {
        await using var rig = Waiting();
        rig.Connect().Dispose();
        await WaitedAsync(FirstData.Came);
    }

    [Test]
    public async Task PeerThatSaysNothing_IsGivenUpWhenItsTimeIsUp()
    {
        await using var rig = Waiting();
        rig.Connect();
        await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, Wire.Limit, "the wait");
        rig.Time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.That(_first, Is.Null);
        rig.Time.AdvanceTicks(1);
        await WaitedAsync(FirstData.TimedOut);
    }

    [Test]
    public async Task Stop_EndsTheWait()
    {
        await using var rig = Waiting();
        rig.Connect();
        await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, Wire.Limit, "the wait");
        await _stopping.CancelAsync();
        await WaitedAsync(FirstData.Stopped);
    }

    [Test]
    public async Task Abort_EndsTheWait()
    {
        await using var rig = Waiting();
        rig.Connect();
        await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, Wire.Limit, "the wait");
        await rig.Listener.AbortAsync().WaitAsync(Wire.Limit, CancellationToken.None);
        Assert.That(_first, Is.EqualTo(FirstData.Stopped));
    }

    [Test]
    public async Task Peer_IsTheProcessThatConnected()
    {
        await using var rig = Waiting();
        rig.Connect();
        Assert.That((await _accepted.Task.WaitAsync(Wire.Limit, CancellationToken.None)).Peer?.ProcessId, Is.EqualTo(Environment.ProcessId));
    }

    private async Task WaitedAsync(FirstData end)
    {
        await Eventually.TrueAsync(() => _first is not null, Wire.Limit, "the end of the wait");
        Assert.That(_first, Is.EqualTo(end));
    }

    private SocketListenerRig Waiting()
    {
        SocketListenerRig? rig = null;
        rig = new SocketListenerRig(serve: async accepted =>
        {
            if (readAhead == Polled)
            {
                accepted.Open(_poller, SocketPipes.Ahead(SocketPipes.ReadAhead));
            }

            _accepted.TrySetResult(accepted);
            _first = await accepted.WaitForDataAsync(TimeSpan.FromSeconds(5), rig!.Time, _stopping.Token, readAhead > 0 ? readAhead : null);
        });
        rig.Start();
        return rig;
    }
}
