using System.Net.Sockets;
using NUnit.Framework;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>The one accept loop: its bound, its pauses, its end in steps.</summary>
public sealed class SocketListenerTests
{
    [Test]
    public async Task FullListener_NeverAcceptsMore_AndGoesOnWhenOneEnds()
    {
        await using var rig = new SocketListenerRig(static options => options with { MaxConnections = 2 });
        rig.Start();
        var first = rig.Connect();
        rig.Connect();
        await rig.OpenAsync(2);
        rig.Connect();
        rig.Connect();
        await Eventually.TrueAsync(() => rig.Log.GetSnapshot().Any(static entry => entry.Id.Id == 140), Wire.Limit, "the line about the limit");
        Assert.That((rig.Listener.Open, rig.Accepts), Is.EqualTo((2, 2)), "nobody accepts while it is full, and nobody tries to");
        Assert.That(rig.Log.GetSnapshot().Single(static entry => entry.Id.Id == 140).Message, Does.StartWith("listener test has 2 connections, as many as it takes").And.Contains("raise max-connections"));

        first.Dispose();
        await Eventually.TrueAsync(() => rig.Accepts == 3, Wire.Limit, "one more accept");
        await rig.OpenAsync(2);
    }

    [Test]
    public async Task OneTooMany_IsToldSo_WhereTheProtocolHasAWordForIt()
    {
        await using var rig = new SocketListenerRig(
            static options => options with { MaxConnections = 2, Refuse = static accepted => accepted.CloseWith([7, 8]) });
        rig.Start();
        var first = rig.Connect();
        rig.Connect();
        await rig.OpenAsync(2);
        for (var i = 0; i < 5; i++)
        {
            Assert.That(await SocketListenerRig.ReadToEndAsync(rig.Connect()), Is.EqualTo(new byte[] { 7, 8 }));
        }

        Assert.That(rig.Log.GetSnapshot().Count(static entry => entry.Id.Id == 141), Is.EqualTo(1), "one line a minute");
        first.Dispose();
        await rig.OpenAsync(1);
        rig.Connect();
        await rig.OpenAsync(2);
    }

    [Test]
    public async Task NoDescriptors_PauseItLongerAndLonger_AndNeverMakeItSpinNorEnd()
    {
        await using var rig = new SocketListenerRig();
        rig.Failure = SocketListenerRig.OutOfDescriptors;
        rig.Start();
        rig.Connect();
        await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, Wire.Limit, "a pause");
        Assert.That(rig.Accepts, Is.EqualTo(1));
        rig.Time.Advance(TimeSpan.FromMilliseconds(9));
        Assert.That((rig.Accepts, rig.Time.ArmedTimers), Is.EqualTo((1, 1)), "the least pause is 10 ms");
        // Pauses of 10, 20, 40 ms and so on, and then of 1 s: the ninth accept comes after 2.27 s, and a minute has 60.
        rig.Time.Advance(TimeSpan.FromMilliseconds(2262));
        await Eventually.TrueAsync(() => rig.Accepts > 1 && rig.Time.ArmedTimers == 1, Wire.Limit, "the next pause");
        Assert.That(rig.Accepts, Is.InRange(2, 9));
        for (var i = 0; i < 60; i++)
        {
            rig.Time.Advance(TimeSpan.FromSeconds(1));
            await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, Wire.Limit, "the next pause");
        }

        Assert.That(rig.Accepts, Is.InRange(10, 9 + 60));
        Assert.That(
            rig.Log.GetSnapshot().Where(static entry => entry.Id.Id == 142).Select(static entry => entry.Message).ToList(),
            Has.Count.InRange(1, 2).And.All.Contains("LimitNOFILE="));

        rig.Failure = null;
        rig.Time.Advance(TimeSpan.FromSeconds(1));
        await rig.OpenAsync(1);
    }

    [TestCase(SocketError.ConnectionAborted)]
    [TestCase(SocketError.ConnectionReset)]
    public async Task PeerThatWentBeforeItWasAccepted_CostsNoPause(SocketError error)
    {
        await using var rig = new SocketListenerRig();
        for (var i = 0; i < 100; i++)
        {
            rig.Failures.Enqueue(new SocketException((int)error));
        }

        rig.Start();
        rig.Connect();
        await rig.OpenAsync(1);
        Assert.That((rig.Time.ArmedTimers, rig.Log.GetSnapshot().Count), Is.EqualTo((0, 0)));
    }

    [TestCase(SocketError.NoBufferSpaceAvailable)]
    [TestCase(SocketError.AccessDenied)]
    [TestCase(SocketError.NetworkDown)]
    public async Task NoErrorOfAccept_EndsTheLoop(SocketError error)
    {
        await using var rig = new SocketListenerRig();
        rig.Failures.Enqueue(new SocketException((int)error));
        rig.Failures.Enqueue(new InvalidOperationException("something else"));
        rig.Start();
        rig.Connect();
        await Eventually.TrueAsync(rig.Time, TimeSpan.FromSeconds(1), () => rig.Listener.Open == 1, "the connection to be accepted");
        Assert.That(rig.Failures, Is.Empty, "both were met");
    }

    [Test]
    public async Task SocketsOutOfTheReserve_AreTwoAtMost_AndNoFurtherOneIsAcceptedUntilTheReserveIsWhole()
    {
        await using var rig = new SocketListenerRig();
        rig.Number = 1000;
        rig.Start();
        var first = rig.Connect();
        rig.Connect();
        rig.Connect();
        await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, Wire.Limit, "a pause");
        Assert.That((rig.Listener.Open, rig.Accepts), Is.EqualTo((2, 2)));
        rig.Time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, Wire.Limit, "the next pause");
        Assert.That((rig.Listener.Open, rig.Accepts), Is.EqualTo((2, 2)));
        Assert.That(rig.Log.GetSnapshot().Single(static entry => entry.Id.Id == 143).Message, Does.Contain("1000 descriptors are in use"));

        first.Dispose();
        await Eventually.TrueAsync(rig.Time, TimeSpan.FromSeconds(1), () => rig.Accepts == 3, "the third in the place of the first");
        await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, Wire.Limit, "the next pause");
        rig.Connect();
        rig.Number = 999;
        await Eventually.TrueAsync(rig.Time, TimeSpan.FromSeconds(1), () => rig.Listener.Open == 3, "one more connection");
    }

    [TestCase("full")]
    [TestCase("failing")]
    [TestCase("reserve")]
    [TestCase("idle")]
    public async Task Stop_DoesNotWaitForWhatTheLoopWaitsFor(string state)
    {
        await using var rig = new SocketListenerRig(options => options with { MaxConnections = state == "full" ? 1 : 10 });
        rig.Failure = state == "failing" ? SocketListenerRig.OutOfDescriptors : null;
        rig.Number = state == "reserve" ? 1000 : 0;
        rig.Start();
        if (state != "idle")
        {
            rig.Connect();
            rig.Connect();
            rig.Connect();
            await Eventually.TrueAsync(() => rig.Log.GetSnapshot().Any(), Wire.Limit, "the line about it");
        }

        await rig.Listener.StopAcceptingAsync().WaitAsync(Wire.Limit);
        await rig.Listener.AbortAsync().WaitAsync(Wire.Limit);
        Assert.That(rig.Listener.Open, Is.Zero);
    }

    [Test]
    public async Task Drain_WaitsForEveryConnection_AndAbortClosesWhatIsLeft()
    {
        await using var rig = new SocketListenerRig();
        rig.Start();
        var first = rig.Connect();
        var second = rig.Connect();
        await rig.OpenAsync(2);
        await rig.Listener.StopAcceptingAsync();

        Assert.That(await rig.Listener.DrainAsync(new CancellationToken(canceled: true)), Is.False, "two are open");
        var draining = rig.Listener.DrainAsync(CancellationToken.None);
        first.Dispose();
        await rig.OpenAsync(1);
        Assert.That(draining.IsCompleted, Is.False);

        await rig.Listener.AbortAsync().WaitAsync(Wire.Limit);
        Assert.That(await draining.WaitAsync(Wire.Limit), Is.True);
        Assert.That(await SocketListenerRig.ReadToEndAsync(second), Is.Empty);
    }

    [Test]
    public async Task SocketThatWasGivenAway_OutlivesTheListener()
    {
        var given = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        var rig = new SocketListenerRig(serve: async accepted =>
        {
            accepted.Detach();
            given.SetResult(accepted.Socket);
            await SocketListenerRig.HoldAsync(accepted);
        });
        rig.Start();
        var client = rig.Connect();
        using var kept = await given.Task.WaitAsync(Wire.Limit);
        await rig.Listener.StopAcceptingAsync();
        var aborting = rig.Listener.AbortAsync();

        Assert.That(await kept.SendAsync(new byte[] { 1 }), Is.EqualTo(1), "the socket is open");
        client.Dispose();
        await aborting.WaitAsync(Wire.Limit);
        await rig.DisposeAsync();
    }

    [Test]
    public async Task HandlerThatThrows_CostsItsConnectionAlone()
    {
        await using var rig = new SocketListenerRig(serve: static async accepted =>
        {
            var data = new byte[1];
            await accepted.Socket.ReceiveAsync(data, SocketFlags.None);
            throw new InvalidDataException("on purpose");
        });
        rig.Start();
        for (var i = 0; i < 3; i++)
        {
            var client = rig.Connect();
            await client.SendAsync(new byte[] { 1 });
            Assert.That(await SocketListenerRig.ReadToEndAsync(client), Is.Empty);
        }

        await rig.OpenAsync(0);
        Assert.That(rig.Log.GetSnapshot().Count(static entry => entry.Id.Id == 144), Is.EqualTo(1));
    }

    [Test]
    public async Task BurstOfConnects_IsQueued_NeverRefused_WhileTheListenerIsFull()
    {
        await using var rig = new SocketListenerRig(static options => options with { MaxConnections = 1 });
        rig.StartOnSocket();
        for (var i = 0; i < 2000; i++)
        {
            Assert.That(rig.Connect, Throws.Nothing, $"connect {i}");
        }

        await rig.OpenAsync(1);
    }

    [Test]
    public async Task SecondStart_IsRefused()
    {
        await using var rig = new SocketListenerRig();
        rig.Start();
        Assert.That(rig.Start, Throws.InvalidOperationException.With.Message.Contains("started already"));
    }
}
