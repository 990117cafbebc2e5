using NUnit.Framework;
using Sidecar.Daemon.Agents.Reverse;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Reverse;

public sealed class AttemptLimitTests
{
    [Test]
    public void AttemptsOfASecond_AreBounded_AndTheNextSecondBeginsWithTheFirstAfterIt()
    {
        var time = new FakeTimeProvider();
        var limit = new AttemptLimit(2, time);
        Assert.That((limit.TryCount(), limit.TryCount(), limit.TryCount()), Is.EqualTo((true, true, false)));
        time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));
        Assert.That(limit.TryCount(), Is.False, "one tick before");
        time.AdvanceTicks(1);
        Assert.That((limit.TryCount(), limit.TryCount(), limit.TryCount()), Is.EqualTo((true, true, false)), "one tick after");
    }
}
