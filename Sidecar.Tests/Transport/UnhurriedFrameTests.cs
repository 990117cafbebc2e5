using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>Frames that nobody waits for: they go with the next that somebody does, and soon in any case.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class UnhurriedFrameTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Pipe _pipe = new();
    private readonly FrameOutput _output;
    private readonly Task<Exception?> _running;

    public UnhurriedFrameTests()
    {
        _output = new FrameOutput(_pipe.Writer, 1000, time: _time);
        _running = _output.RunAsync();
    }

    [Test]
    public async Task FrameThatNobodyWaitsFor_GoesWithTheNext()
    {
        Assert.That(_output.TryAppendUnhurried(1, [7]), Is.EqualTo(SendStatus.Sent));
        Assert.That((_output.Flushes, _time.ArmedTimers), Is.EqualTo((0L, 1)));
        Assert.That(_output.TryAppend(2, [8]), Is.EqualTo(SendStatus.Sent));
        var read = await ReadAsync(12);
        Assert.That((read[4], read[5], read[10], read[11]), Is.EqualTo((1, 7, 2, 8)));
        Assert.That(_output.Flushes, Is.EqualTo(1));
    }

    [Test]
    public async Task FrameThatNoOtherFollows_GoesAfterAMillisecond_AndNoEarlier()
    {
        _output.TryAppendUnhurried(1, [7]);
        _output.TryAppendUnhurried(1, [8]);
        _time.AdvanceTicks(TimeSpan.TicksPerMillisecond - 1);
        Assert.That((_output.Flushes, _pipe.Reader.TryRead(out _)), Is.EqualTo((0L, false)));
        _time.AdvanceTicks(1);
        var read = await ReadAsync(12);
        Assert.That((read[5], read[11], _time.ArmedTimers), Is.EqualTo((7, 8, 0)));

        _output.TryAppendUnhurried(1, [9]);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That((await ReadAsync(6))[5], Is.EqualTo(9), "and again");
    }

    [Test]
    public async Task Close_SendsWhatLingers_AndLeavesNoTimer()
    {
        _output.TryAppendUnhurried(1, [7]);
        _output.Close(discard: false);
        Assert.That((await ReadAsync(6))[5], Is.EqualTo(7));
        Assert.That((await _running.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), _time.ArmedTimers), Is.EqualTo(((Exception?)null, 0)));
    }

    public async ValueTask DisposeAsync()
    {
        _output.Close(discard: true);
        await _running;
    }

    private async Task<byte[]> ReadAsync(int length)
    {
        var read = await _pipe.Reader.ReadAtLeastAsync(length).AsTask().WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        var bytes = System.Buffers.BuffersExtensions.ToArray(read.Buffer);
        _pipe.Reader.AdvanceTo(read.Buffer.End);
        return bytes;
    }
}
