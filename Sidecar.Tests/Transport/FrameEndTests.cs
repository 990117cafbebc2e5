using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class FrameEndTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingFrameHandler _handler = new();

    [Test]
    public async Task Close_WritesWhatWasTakenThenEnds()
    {
        var (pair, connection, running) = Start();
        for (var i = 0; i < 20; i++)
        {
            connection.TrySend(Wire.ToSend(30));
        }

        connection.Close();
        Assert.That(await Wire.ReadAllAsync(pair.Far.Input), Has.Count.EqualTo(20));
        await running.WaitAsync(Wire.Limit);
        await AssertEndAsync(connection, FrameConnectionEnd.ClosedLocally);
    }

    [Test]
    public async Task CloseBeforeAPeerThatDoesNotRead_EndsAtTheCloseTimeout()
    {
        var (_, connection, running) = Start();
        connection.TrySend(Wire.ToSend(30));
        connection.Close();
        await Eventually.TrueAsync(() => _time.ArmedTimers == 1, Wire.Limit, "the close timeout to be armed");
        _time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.That(running.IsCompleted, Is.False);

        _time.AdvanceTicks(1);
        await running.WaitAsync(Wire.Limit);
        await AssertEndAsync(connection, FrameConnectionEnd.ClosedLocally);
    }

    [Test]
    public async Task PeerThatClosesItsSideAndDoesNotRead_EndsAtTheCloseTimeout()
    {
        var (pair, connection, running) = Start();
        connection.TrySend(Wire.ToSend(30));
        await pair.Far.Output.CompleteAsync();
        await Eventually.TrueAsync(() => _time.ArmedTimers == 1, Wire.Limit, "the close timeout to be armed");
        _time.Advance(TimeSpan.FromSeconds(5));
        await running.WaitAsync(Wire.Limit);
        await AssertEndAsync(connection, FrameConnectionEnd.ClosedByPeer);
    }

    [Test]
    public async Task PeerThatClosesItsSide_StillGetsWhatWasTaken()
    {
        var (pair, connection, running) = Start();
        connection.TrySend(Wire.ToSend(30));
        connection.TrySend(Wire.ToSend(40));
        await pair.Far.Output.CompleteAsync();
        Assert.That(await Wire.ReadAllAsync(pair.Far.Input), Has.Count.EqualTo(2));
        await running.WaitAsync(Wire.Limit);
        await AssertEndAsync(connection, FrameConnectionEnd.ClosedByPeer);
    }

    [Test]
    public async Task Abort_InTheMiddleOfABatchLargerThanThePipe_Ends()
    {
        var pair = new DuplexPipePair(pauseThreshold: 32 * 1024);
        var connection = new FrameConnection(pair.Near);
        var running = connection.RunAsync(_handler);
        Assert.That(connection.TrySend(Wire.ToSend(900 * 1024)), Is.EqualTo(SendStatus.Sent));
        var begun = await pair.Far.Input.ReadAsync();
        pair.Far.Input.AdvanceTo(begun.Buffer.Start);

        connection.Abort(FrameConnectionEnd.ProtocolViolation);

        await running.WaitAsync(Wire.Limit);
        Assert.That(connection.End, Is.EqualTo(FrameConnectionEnd.ProtocolViolation));
    }

    [Test]
    public async Task Abort_LosesWhatWaitsAndEndsWithItsCause()
    {
        var (pair, connection, running) = Start();
        connection.TrySend(Wire.ToSend(10));
        Assert.That(await connection.WaitForRoomAsync(Wire.Limit, TimeProvider.System), Is.True);
        connection.TrySend(Wire.ToSend(30));
        var error = new IOException("because");
        connection.Abort(FrameConnectionEnd.ProtocolViolation, error);
        connection.Abort(FrameConnectionEnd.TransportError, new IOException("later"));
        connection.Close();

        await running.WaitAsync(Wire.Limit);
        await AssertEndAsync(connection, FrameConnectionEnd.ProtocolViolation);
        Assert.That(_handler.Error, Is.SameAs(error));
        Assert.That(async () => await pair.Far.Input.ReadAsync(), Throws.Exception, "the peer sees an abrupt end");
    }

    [Test]
    public async Task WriteError_EndsAsTransportError()
    {
        var (pair, connection, running) = Start();
        await pair.Far.Input.CompleteAsync(new IOException("reset"));
        connection.TrySend(Wire.ToSend(10));
        await running.WaitAsync(Wire.Limit);
        await AssertEndAsync(connection, FrameConnectionEnd.TransportError);
        Assert.That(_handler.Error, Is.InstanceOf<IOException>());
    }

    [Test]
    public async Task ReadError_EndsAsTransportError()
    {
        var (pair, connection, running) = Start();
        await pair.Far.Output.CompleteAsync(new IOException("reset"));
        await running.WaitAsync(Wire.Limit);
        await AssertEndAsync(connection, FrameConnectionEnd.TransportError);
        Assert.That(_handler.Error, Has.Message.EqualTo("reset"));
    }

    [Test]
    public async Task CloseBeforeRun_EndsAtOnce()
    {
        var pair = new DuplexPipePair();
        var connection = new FrameConnection(pair.Near);
        connection.Close();
        await connection.RunAsync(_handler).WaitAsync(Wire.Limit);
        await AssertEndAsync(connection, FrameConnectionEnd.ClosedLocally);
    }

    [Test]
    public async Task AllEndsAtOnce_TellTheHandlerOnce()
    {
        for (var round = 0; round < 200; round++)
        {
            var pair = new DuplexPipePair(PipeScheduler.ThreadPool, pauseThreshold: 16);
            var handler = new RecordingFrameHandler();
            var connection = new FrameConnection(pair.Near);
            var running = connection.RunAsync(handler);
            using var start = new Barrier(4);
            Action[] ends =
            [
                connection.Close,
                () => connection.Abort(FrameConnectionEnd.ProtocolViolation, new IOException("aborted")),
                () => pair.CompleteFar(),
                () => connection.TrySend(Wire.ToSend(30)),
            ];
            await Task.WhenAll(ends.Select(end => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait(Wire.Limit);
                    end();
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default))).WaitAsync(Wire.Limit);
            await running.WaitAsync(Wire.Limit);
            Assert.That((handler.Ends, handler.End), Is.EqualTo((1, connection.End)));
            Assert.That(handler.Error, connection.End == FrameConnectionEnd.ProtocolViolation ? Is.Not.Null : Is.Null.Or.InstanceOf<Exception>());
        }
    }

    private (DuplexPipePair Pair, FrameConnection Connection, Task Running) Start()
    {
        var pair = new DuplexPipePair(pauseThreshold: 10, resumeThreshold: 1);
        var connection = new FrameConnection(pair.Near, new FrameConnectionOptions { Time = _time });
        return (pair, connection, connection.RunAsync(_handler));
    }

    private async Task AssertEndAsync(FrameConnection connection, FrameConnectionEnd end)
    {
        Assert.That((_handler.End, _handler.Ends, connection.End), Is.EqualTo((end, 1, end)));
        Assert.That(connection.TrySend(Wire.ToSend(5)), Is.EqualTo(SendStatus.Closed));
        await Eventually.TrueAsync(() => _time.ActiveTimers == 0, Wire.Limit, "timers to be disposed");
    }
}
