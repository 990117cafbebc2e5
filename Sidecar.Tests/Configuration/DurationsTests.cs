using NUnit.Framework;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Tests.Configuration;

public sealed class DurationsTests
{
    [TestCase("120ms", 120)]
    [TestCase("2s", 2_000)]
    [TestCase("1.5s", 1_500)]
    [TestCase("0.25ms", 0.25)]
    [TestCase("5m", 300_000)]
    [TestCase("1h", 3_600_000)]
    [TestCase("24h", 86_400_000)]
    public void Text_IsRead(string text, double milliseconds)
    {
        Assert.That(Durations.TryParse(text, out var duration), Is.True);
        Assert.That(duration, Is.EqualTo(TimeSpan.FromMilliseconds(milliseconds)));
        Assert.That(Durations.TryParse(Durations.Format(duration), out var again), Is.True);
        Assert.That(again, Is.EqualTo(duration), "what is written is read as the same");
    }

    [TestCase("")]
    [TestCase("s")]
    [TestCase("10")]
    [TestCase("0s")]
    [TestCase("-1s")]
    [TestCase("+1s")]
    [TestCase("1e3s")]
    [TestCase("1,000s")]
    [TestCase(" 1s")]
    [TestCase("1 s")]
    [TestCase("1S")]
    [TestCase("1d")]
    [TestCase("NaNs")]
    [TestCase("Infinitys")]
    [TestCase("0.00000000001ms")]
    [TestCase("24.001h")]
    [TestCase("99999999999999999999999999999h")]
    [TestCase("999999999999999999999999999999999999999999s")]
    public void Other_IsRefused(string text) => Assert.That(Durations.TryParse(text, out _), Is.False);
}
