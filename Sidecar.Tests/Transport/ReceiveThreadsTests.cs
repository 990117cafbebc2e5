using NUnit.Framework;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

public sealed class ReceiveThreadsTests
{
    [Test]
    public async Task AreNoMoreThanTheyMayBe_AndMakeRoomAtTheirEnd()
    {
        using var release = new SemaphoreSlim(0);
        var threads = new ReceiveThreads(2);
        var started = Enumerable.Range(0, 4).Select(_ => threads.TryStart(() => release.Wait(Wire.Limit))).ToArray();
        Assert.That((string.Join(' ', started), threads.Count, threads.HasRoom), Is.EqualTo(("True True False False", 2, false)));
        release.Release(2);
        await Eventually.TrueAsync(() => threads.Count == 0, Wire.Limit, "their end");
        Assert.That(threads.HasRoom, Is.True);
    }

    [Test]
    public void NoneAtAll_IsAChoice() => Assert.That(new ReceiveThreads(0).TryStart(static () => Assert.Fail("started")), Is.False);
}
