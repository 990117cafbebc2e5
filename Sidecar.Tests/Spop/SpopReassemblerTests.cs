using NUnit.Framework;
using Sidecar.Protocol.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Spop;

public sealed class SpopReassemblerTests
{
    private static readonly byte[] Message =
        SpopProxy.Message("m", ("id", "a"), ("n", ulong.MaxValue), ("body", new byte[] { 1, 2, 3, 4 }));

    [Test]
    public void EveryCut_IsJoinedAgain([Range(1, 30)] int size)
    {
        using var reassembler = new SpopReassembler(new());
        var fragments = SpopProxy.Fragments(7, 2, Message, size);
        Assert.That(fragments, Has.Count.EqualTo((Message.Length + size - 1) / size));
        for (var i = 0; i < fragments.Count - 1; i++)
        {
            Assert.That(Add(reassembler, fragments[i]).Result, Is.EqualTo(SpopAssembly.Collecting));
            Assert.That((reassembler.Open, reassembler.Bytes), Is.EqualTo((1, (long)size * (i + 1))));
        }

        var (result, payload, _) = Add(reassembler, fragments[^1]);
        Assert.That(result, Is.EqualTo(SpopAssembly.Complete));
        Assert.That(payload, Is.EqualTo(Message));
        Assert.That((reassembler.Open, reassembler.Bytes), Is.EqualTo((0, 0L)));
    }

    [Test]
    public void WholeMessage_IsHandedOutFromEveryFragmentationOfTheBuffer()
    {
        using var reassembler = new SpopReassembler(SpopFragmentLimits.Off);
        foreach (var (name, sequence) in Fragmentation.All(SpopProxy.Frame(3, 1, 0, 1, Message)))
        {
            var buffer = sequence;
            var status = SpopFrameScanner.TryRead(ref buffer, SpopLimits.MaxFrameSize, out var frame, out _);
            Assert.That(status, Is.EqualTo(SpopScanStatus.Frame), name);
            Assert.That(reassembler.Add(frame, 0, out var payload, out _), Is.EqualTo(SpopAssembly.Complete));
            using (payload)
            {
                Assert.That(payload.Span.ToArray(), Is.EqualTo(Message), name);
            }
        }
    }

    [Test]
    public void FragmentsOfDifferentStreams_MayAlternate()
    {
        using var reassembler = new SpopReassembler(new());
        var other = SpopProxy.Message("other", ("x", 1L), ("y", "abcdefghijklmnopqrstuvwxyz"));
        var first = SpopProxy.Fragments(0, 1, Message, 20);
        var second = SpopProxy.Fragments(1, 1, other, 20);
        Assert.That((first.Count, second.Count), Is.EqualTo((2, 3)));

        Assert.That(Add(reassembler, first[0]).Result, Is.EqualTo(SpopAssembly.Collecting));
        Assert.That(Add(reassembler, second[0]).Result, Is.EqualTo(SpopAssembly.Collecting));
        Assert.That(Add(reassembler, SpopProxy.NotifyFrame(2, 1, "between")).Result, Is.EqualTo(SpopAssembly.Complete));
        Assert.That(Add(reassembler, second[1]).Result, Is.EqualTo(SpopAssembly.Collecting));
        Assert.That(Add(reassembler, first[1]).Payload, Is.EqualTo(Message));
        Assert.That(Add(reassembler, second[2]).Payload, Is.EqualTo(other));
    }

    [TestCase(SpopProxy.Fin)]
    [TestCase(0u)]
    public void NotifyOfAStreamWithOpenFragments_IsInterlaced(uint flags)
    {
        using var reassembler = new SpopReassembler(new());
        Add(reassembler, SpopProxy.Frame(3, 0, 7, 1, [1]));
        AssertViolation(Add(reassembler, SpopProxy.Frame(3, flags, 7, 1, [1])), SpopStatus.InterlacedFrames);
        AssertViolation(Add(reassembler, SpopProxy.Frame(3, flags, 7, 2, [1])), SpopStatus.InterlacedFrames);
    }

    [TestCase(SpopProxy.Fin)]
    [TestCase(0u)]
    public void FragmentOfNothing_IsNotFound(uint flags)
    {
        using var reassembler = new SpopReassembler(new());
        AssertViolation(Add(reassembler, SpopProxy.Frame(0, flags, 7, 1, [1])), SpopStatus.FrameIdNotFound);
        Add(reassembler, SpopProxy.Frame(3, 0, 7, 1, [1]));
        AssertViolation(Add(reassembler, SpopProxy.Frame(0, flags, 7, 2, [1])), SpopStatus.FrameIdNotFound);
        AssertViolation(Add(reassembler, SpopProxy.Frame(0, flags, 8, 1, [1])), SpopStatus.FrameIdNotFound);
    }

    [Test]
    public void Abort_DropsWhatWasCollected()
    {
        using var reassembler = new SpopReassembler(new());
        Add(reassembler, SpopProxy.Frame(3, 0, 7, 1, new byte[100]));
        Assert.That(Add(reassembler, SpopProxy.AbortFrame(7, 1)).Result, Is.EqualTo(SpopAssembly.Aborted));
        Assert.That((reassembler.Open, reassembler.Bytes), Is.EqualTo((0, 0L)));
        AssertViolation(Add(reassembler, SpopProxy.Frame(0, 1, 7, 1, [1])), SpopStatus.FrameIdNotFound);

        // The stream may begin again, and what was never begun may be given up.
        Assert.That(Add(reassembler, SpopProxy.NotifyFrame(7, 1, "m")).Result, Is.EqualTo(SpopAssembly.Complete));
        Assert.That(Add(reassembler, SpopProxy.AbortFrame(99, 1)).Result, Is.EqualTo(SpopAssembly.Aborted));
        Assert.That(Add(reassembler, SpopProxy.Frame(3, 3, 5, 1, Message)).Result, Is.EqualTo(SpopAssembly.Aborted));
    }

    [Test]
    public void TooLargeMessage_IsDroppedAtOnceAndRefusedAtItsEnd()
    {
        using var reassembler = new SpopReassembler(new() { MaxMessageBytes = 10 });
        Add(reassembler, SpopProxy.Frame(3, 0, 7, 1, new byte[10]));
        Assert.That(reassembler.Bytes, Is.EqualTo(10));
        Assert.That(Add(reassembler, SpopProxy.Frame(0, 0, 7, 1, [1])).Result, Is.EqualTo(SpopAssembly.Collecting));
        Assert.That((reassembler.Open, reassembler.Bytes), Is.EqualTo((1, 0L)));
        Add(reassembler, SpopProxy.Frame(0, 0, 7, 1, new byte[5000]));
        Assert.That(reassembler.Bytes, Is.Zero);

        var (result, payload, error) = Add(reassembler, SpopProxy.Frame(0, 1, 7, 1, []));
        Assert.That((result, error.Status), Is.EqualTo((SpopAssembly.Refused, SpopStatus.FrameTooBig)));
        Assert.That(error.Message, Does.Contain("11 bytes").And.Contain("at most 10"));
        Assert.That((payload, reassembler.Open), Is.EqualTo((Array.Empty<byte>(), 0)));
    }

    [Test]
    public void MessageAtTheLimit_IsKept()
    {
        using var reassembler = new SpopReassembler(new() { MaxMessageBytes = 10 });
        Add(reassembler, SpopProxy.Frame(3, 0, 7, 1, new byte[4]));
        Assert.That(Add(reassembler, SpopProxy.Frame(0, 1, 7, 1, new byte[6])).Payload, Has.Length.EqualTo(10));
        Add(reassembler, SpopProxy.Frame(3, 0, 7, 1, new byte[4]));
        Assert.That(Add(reassembler, SpopProxy.Frame(0, 1, 7, 1, new byte[7])).Result, Is.EqualTo(SpopAssembly.Refused));
    }

    [Test]
    public void TotalOfAConnection_IsBoundedAndTheOthersGoOn()
    {
        using var reassembler = new SpopReassembler(new() { MaxTotalBytes = 100 });
        Add(reassembler, SpopProxy.Frame(3, 0, 1, 1, new byte[60]));
        Add(reassembler, SpopProxy.Frame(3, 0, 2, 1, new byte[41]));
        Assert.That((reassembler.Open, reassembler.Bytes), Is.EqualTo((2, 60L)));
        Assert.That(Add(reassembler, SpopProxy.Frame(0, 1, 1, 1, new byte[40])).Payload, Has.Length.EqualTo(100));

        var (result, _, error) = Add(reassembler, SpopProxy.Frame(0, 1, 2, 1, []));
        Assert.That((result, error.Status), Is.EqualTo((SpopAssembly.Refused, SpopStatus.ResourceAllocation)));
        Assert.That(error.Message, Does.Contain("101 bytes").And.Contain("at most 100"));
    }

    [Test]
    public void TooManyOpenMessages_EndTheConnection()
    {
        using var reassembler = new SpopReassembler(new() { MaxOpen = 2 });
        Add(reassembler, SpopProxy.Frame(3, 0, 1, 1, [1]));
        Add(reassembler, SpopProxy.Frame(3, 0, 2, 1, [1]));
        Assert.That(Add(reassembler, SpopProxy.NotifyFrame(3, 1, "m")).Result, Is.EqualTo(SpopAssembly.Complete));
        AssertViolation(Add(reassembler, SpopProxy.Frame(3, 0, 3, 1, [1])), SpopStatus.ResourceAllocation);
    }

    [Test]
    public void FragmentWhereNoneIsTaken_IsNotSupported()
    {
        using var reassembler = new SpopReassembler(SpopFragmentLimits.Off);
        AssertViolation(Add(reassembler, SpopProxy.Frame(3, 0, 1, 1, [1])), SpopStatus.FragmentationNotSupported);
        AssertViolation(Add(reassembler, SpopProxy.Frame(0, 0, 1, 1, [1])), SpopStatus.FrameIdNotFound);
    }

    [Test]
    public void AbandonedMessage_FreesItsMemoryAndIsRefusedIfItEnds()
    {
        var clock = new FakeTimeProvider();
        using var reassembler = new SpopReassembler(new());
        Add(reassembler, SpopProxy.Frame(3, 0, 1, 1, new byte[50]), clock.GetTimestamp());
        clock.Advance(TimeSpan.FromSeconds(1));
        var between = clock.GetTimestamp();
        Add(reassembler, SpopProxy.Frame(3, 0, 2, 1, new byte[30]), between);

        Assert.That(reassembler.Expire(between), Is.EqualTo(1));
        Assert.That((reassembler.Open, reassembler.Bytes), Is.EqualTo((2, 30L)));
        Assert.That(reassembler.Expire(between), Is.Zero);

        Assert.That(Add(reassembler, SpopProxy.Frame(0, 0, 1, 1, new byte[50])).Result, Is.EqualTo(SpopAssembly.Collecting));
        Assert.That(reassembler.Bytes, Is.EqualTo(30));
        var (result, _, error) = Add(reassembler, SpopProxy.Frame(0, 1, 1, 1, []));
        Assert.That((result, error.Status), Is.EqualTo((SpopAssembly.Refused, SpopStatus.Timeout)));
        Assert.That(error.Message, Does.Contain("50 bytes"));
        Assert.That(Add(reassembler, SpopProxy.AbortFrame(2, 1)).Result, Is.EqualTo(SpopAssembly.Aborted));
        Assert.That((reassembler.Open, reassembler.Bytes), Is.EqualTo((0, 0L)));
    }

    [Test]
    public void OtherType_IsOurError()
    {
        using var reassembler = new SpopReassembler(new());
        Assert.Throws<ArgumentException>(() => Add(reassembler, SpopProxy.HelloFrame()));
    }

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public void AnyFrames_KeepTheBounds((byte Type, byte Flags, byte Stream, byte Size)[] frames)
    {
        var limits = new SpopFragmentLimits { MaxOpen = 3, MaxMessageBytes = 300, MaxTotalBytes = 500 };
        using var reassembler = new SpopReassembler(limits);
        foreach (var (type, flags, stream, size) in frames)
        {
            var kind = type % 2 == 0 ? SpopProxy.Notify : SpopProxy.Unset;
            var frame = SpopProxy.Frame(kind, (flags & 7) == 3 ? 3u : flags & 1u, stream % 5u, 1, new byte[size]);
            var (result, payload, error) = Add(reassembler, frame, size);
            Assert.That(reassembler.Open, Is.LessThanOrEqualTo(limits.MaxOpen));
            Assert.That(reassembler.Bytes, Is.InRange(0, limits.MaxTotalBytes));
            Assert.That(payload.Length, Is.LessThanOrEqualTo(limits.MaxMessageBytes));
            Assert.That(error != default, Is.EqualTo(result is SpopAssembly.Refused or SpopAssembly.Violation));
            reassembler.Expire(size / 8);
        }

        reassembler.Dispose();
        Assert.That((reassembler.Open, reassembler.Bytes), Is.EqualTo((0, 0L)));
    }

    private static (SpopAssembly Result, byte[] Payload, SpopError Error) Add(SpopReassembler reassembler, byte[] frame, long now = 0)
    {
        var result = reassembler.Add(Scan.One(frame), now, out var payload, out var error);
        using (payload)
        {
            return (result, payload.Span.ToArray(), error);
        }
    }

    private static void AssertViolation((SpopAssembly Result, byte[] Payload, SpopError Error) seen, SpopStatus expected)
    {
        Assert.That((seen.Result, seen.Error.Status), Is.EqualTo((SpopAssembly.Violation, expected)), seen.Error.Message);
        Assert.That(seen.Error.Message, Has.Length.InRange(20, SpopLimits.MaxDisconnectMessage));
        Assert.That(seen.Payload, Is.Empty);
    }
}
