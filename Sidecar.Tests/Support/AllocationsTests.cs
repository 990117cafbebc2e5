using NUnit.Framework;

namespace Sidecar.Tests.Support;

public sealed class AllocationsTests
{
    private object? _kept;

    [Test]
    public void WhatEveryRunAllocates_IsSeen() =>
        Assert.That(Allocations.Of(100, () => _kept = new byte[1000]), Is.InRange(100_000, 110_000));

    [Test]
    public void WhatOneRunOfManyAllocates_IsSeen()
    {
        var runs = 0;
        Assert.That(Allocations.Of(100, () => _kept = ++runs % 100 == 0 ? new byte[1000] : _kept), Is.InRange(1000, 1100));
    }

    [Test]
    public void WhatHappensOnce_DoesNotCount()
    {
        var runs = 0;
        Assert.That(Allocations.Of(100, () => _kept = ++runs == 150 ? new byte[1000] : _kept), Is.Zero);
    }
}
