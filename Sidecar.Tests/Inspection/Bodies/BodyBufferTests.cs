using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>Memory that is held is reserved, and given back once.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class BodyBufferTests
{
    private readonly FakeTimeProvider _clock = new();

    [TestCase(1, 4096)]
    [TestCase(4096, 4096)]
    [TestCase(4097, 8192)]
    [TestCase(1 << 20, 1 << 20)]
    public async Task Growth_ReservesTheWholeBuffer(int bytes, long reserved)
    {
        var (agent, all) = (Budget(), Budget());
        var held = new BodyBuffer(agent, all);
        Assert.That(await held.TryGrowAsync(bytes, 0), Is.True);
        Assert.That((agent.Used, all.Used), Is.EqualTo((reserved, reserved)));
        held.Append(new byte[bytes]);
        Assert.That(held.TryAdd([1]), Is.True);
        Assert.That(held.Memory.Span[bytes], Is.EqualTo(1));
        held.Dispose();
        held.Dispose();
        Assert.That((agent.Used, all.Used, held.Length), Is.EqualTo((0L, 0L, 0)));
    }

    [TestCase(1)]
    [TestCase(1000)]
    [TestCase(4096)]
    [TestCase(70_000)]
    public void BytesThatComeInPieces_AreOneRunWhenTheyAreLookedAt(int piece)
    {
        var all = Budget();
        using var held = new BodyBuffer(null, all);
        byte[] bytes = [.. Enumerable.Range(0, 300_000 / piece * piece).Select(static i => (byte)(i % 251))];
        for (var at = 0; at < bytes.Length; at += piece)
        {
            Assert.That(held.TryAdd(bytes.AsSpan(at, piece)), Is.True);
            if (at > 100_000 && at % 1024 == 0)
            {
                Assert.That(held.Memory.Length, Is.EqualTo(at + piece), "it goes on after a look");
            }
        }

        Assert.That(all.Used, Is.EqualTo(1 << 19));
        Assert.That(held.Memory.Span.SequenceEqual(bytes), Is.True);
        Assert.That(all.Used, Is.EqualTo(1 << 19), "a look takes no more");
    }

    [TestCase(4096, 1 << 20)]
    [TestCase(1 << 20, 4096)]
    public async Task Shortage_OfEitherBudget_ChangesNothing(int ofAgent, int ofAll)
    {
        var (agent, all) = (new ByteBudget(ofAgent, _clock), new ByteBudget(ofAll, _clock));
        using var held = new BodyBuffer(agent, all);
        Assert.That(held.TryAdd([1, 2, 3]), Is.True);
        Assert.That(await held.TryGrowAsync(4094, 0), Is.False);
        Assert.That(held.TryAdd(new byte[4094]), Is.False);
        Assert.That(held.TryAdd(new byte[4093]), Is.True, "what fits still does");
        Assert.That((agent.Used, all.Used, held.Length), Is.EqualTo((4096L, 4096L, 4096)));
        Assert.That(held.Memory[..3].ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public async Task MoreThanAnyBufferHas_IsRefused()
    {
        using var held = new BodyBuffer(null, new ByteBudget(long.MaxValue, _clock));
        Assert.That(await held.TryGrowAsync((1L << 30) + 1, 0), Is.False);
        Assert.That(await held.TryGrowAsync(long.MaxValue, 0), Is.False);
    }

    [Test]
    public void SharedMemory_GoesBackWithTheLastShare()
    {
        var all = Budget();
        var held = new BodyBuffer(null, all);
        held.TryAdd("abcdef"u8);
        var run = BodySegment.Held(held, isLast: true);
        var part = run.Slice(2, 3, isLast: false);
        run.Dispose();
        Assert.That((all.Used, Events.Text(part.Bytes), part.IsLast), Is.EqualTo((4096L, "cde", false)));
        part.Dispose();
        Assert.That(all.Used, Is.Zero);
    }

    [Test]
    public void Queue_OneRun_IsHandedOnWithoutACopy()
    {
        var all = Budget();
        using var queue = new SegmentQueue();
        var held = new BodyBuffer(null, all);
        held.TryAdd("abc"u8);
        queue.Pass(BodySegment.Held(held, isLast: true));
        var taken = queue.TakeAll("xyz"u8.ToArray());
        Assert.That((taken.Owner, taken.IsOfPush, taken.Bytes.Length), Is.EqualTo((held, false, 3)));
        taken.Owner!.Dispose();
        Assert.That(all.Used, Is.Zero);
        Assert.That(queue.TakeAll(default), Is.EqualTo(new ReleasedBytes(default, null, IsOfPush: true)), "it begins anew");
    }

    [Test]
    public void Queue_NeighboursInThePush_AreOneViewOfIt()
    {
        using var queue = new SegmentQueue();
        var bytes = "0123456789"u8.ToArray();
        queue.Pass(BodySegment.OfPush(bytes.AsMemory(2, 3), 2, isLast: false));
        queue.Pass(BodySegment.OfPush(bytes.AsMemory(5, 4), 5, isLast: false));
        var taken = queue.TakeAll(bytes);
        Assert.That((taken.Owner, taken.IsOfPush), Is.EqualTo(((IDisposable?)null, true)));
        Assert.That(taken.Bytes, Is.EqualTo(new ReadOnlyMemory<byte>(bytes, 2, 7)));
    }

    [Test]
    public void Queue_SeveralRuns_AreJoinedWithoutMoreMemory()
    {
        var all = new ByteBudget(4096, _clock);
        using var queue = new SegmentQueue();
        var held = new BodyBuffer(null, all);
        held.TryAdd("held"u8);
        var bytes = "pushed"u8.ToArray();
        var whole = BodySegment.Held(held, isLast: false);
        queue.Pass(whole.Slice(0, 2, isLast: false));
        queue.Pass(BodySegment.OfAnswer("-answer-"u8.ToArray(), isLast: false));
        queue.Pass(whole.Slice(2, 2, isLast: false));
        queue.Pass(BodySegment.OfPush(bytes, 0, isLast: true));
        whole.Dispose();
        var taken = queue.TakeAll(bytes);
        Assert.That((Events.Text(taken.Bytes), taken.IsOfPush), Is.EqualTo(("he-answer-ldpushed", false)));
        Assert.That(all.Used, Is.EqualTo(4096), "the reservation stands for the copy");
        taken.Owner!.Dispose();
        taken.Owner.Dispose();
        Assert.That(all.Used, Is.Zero);
    }

    [Test]
    public void Queue_NobodyTook_GivesEverythingBack()
    {
        var all = Budget();
        var queue = new SegmentQueue();
        for (var i = 0; i < 3; i++)
        {
            var held = new BodyBuffer(null, all);
            held.TryAdd([1]);
            queue.Pass(BodySegment.Held(held, isLast: false));
        }

        queue.Dispose();
        Assert.That(all.Used, Is.Zero);
    }

    private ByteBudget Budget() => new(1 << 24, _clock);
}
