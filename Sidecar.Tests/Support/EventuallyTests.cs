using NUnit.Framework;

namespace Sidecar.Tests.Support;

public sealed class EventuallyTests
{
    [Test]
    public async Task ConditionThatBecomesTrue_EndsTheWait()
    {
        var asked = 0;
        await Eventually.TrueAsync(() => ++asked == 3, TimeSpan.FromSeconds(30), "the third question");
        Assert.That(asked, Is.EqualTo(3));
    }

    [Test]
    public void ConditionThatStaysFalse_FailsWithItsName() => Assert.That(
        async () => await Eventually.TrueAsync(() => false, TimeSpan.FromMilliseconds(20), "the impossible"),
        Throws.InstanceOf<TimeoutException>().With.Message.EqualTo("Waited 0.02 s in vain for: the impossible."));
}
