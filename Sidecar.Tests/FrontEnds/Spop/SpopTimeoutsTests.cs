using System.IO.Pipelines;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>When a session has to be looked at. Those that only wait are left alone, however many they are.</summary>
internal sealed class SpopTimeoutsTests
{
    private static readonly SpopListenerOptions Options = new() { Name = "spop:test" };

    private FakeTimeProvider _time = null!;
    private SpopTimeouts _watch = null!;

    [SetUp]
    public void Open()
    {
        _time = new FakeTimeProvider();
        _watch = new SpopTimeouts(Options, _time, new FrameOutput(new Pipe().Writer, 1000));
    }

    [Test]
    public void IdleSession_IsNeverWokenBeforeItsTimeIsUp()
    {
        _watch.FrameCame(_time.GetTimestamp());
        _watch.Note(0, isGreeted: true, isBusy: false, hasFragments: false);
        AssertDueAfter(Options.IdleTimeout);
    }

    [Test]
    public void SessionWithoutHello_IsNeverWokenBeforeItsTimeIsUp() => AssertDueAfter(Options.HelloTimeout);

    [Test]
    public void HalfAFrame_IsNeverWokenBeforeItsTimeIsUp()
    {
        _watch.FrameCame(_time.GetTimestamp());
        _watch.Note(3, isGreeted: true, isBusy: true, hasFragments: false);
        AssertDueAfter(Options.FrameTimeout);
    }

    [Test]
    public void FragmentsHaveDeadlinesOfTheirOwn_SoTheyAreLookedAtEachTime()
    {
        _watch.Note(0, isGreeted: true, isBusy: false, hasFragments: true);
        Assert.That(_watch.IsDue, Is.True);
    }

    private void AssertDueAfter(TimeSpan limit)
    {
        _time.Advance(limit - TimeSpan.FromMilliseconds(1));
        Assert.That((_watch.IsDue, _watch.Overdue()), Is.EqualTo((false, (SpopConnectionEnd?)null)));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That((_watch.IsDue, _watch.Overdue()?.Reason), Is.EqualTo((true, "timeout")));
    }
}
