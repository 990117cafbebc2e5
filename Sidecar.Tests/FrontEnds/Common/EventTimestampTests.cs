using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;

namespace Sidecar.Tests.FrontEnds.Common;

[TestFixture]
internal sealed class EventTimestampTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(2));

    [Test]
    public void Of_ATime_IsInUtcWithMilliseconds() => Assert.That(EventTimestamp.Of(Time), Is.EqualTo("2026-01-02T01:04:05.678Z"));

    [Test]
    public void Of_TimesThatComeAndGo_IsAlwaysTheTimeAskedFor()
    {
        Assert.That(
            new[] { Time, Time.AddTicks(9_999), Time.AddMilliseconds(1), Time, Time.AddYears(-1), default }.Select(EventTimestamp.Of),
            Is.EqualTo([
                "2026-01-02T01:04:05.678Z", "2026-01-02T01:04:05.678Z", "2026-01-02T01:04:05.679Z", "2026-01-02T01:04:05.678Z",
                "2025-01-02T01:04:05.678Z", "0001-01-01T00:00:00.000Z",
            ]));
    }
}
