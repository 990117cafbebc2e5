using System.Buffers;
using System.Runtime.InteropServices;
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
        Assert.That(TryAdd(held, [1]), Is.True);
        Assert.That(held.Memory.Span[bytes], Is.EqualTo(1));
        held.Dispose();
        held.Dispose();
        Assert.That((agent.Used, all.Used, held.Length), Is.EqualTo((0L, 0L, 0)));
    }

    [Test]
    public async Task ManyLargeBuffers_AreNoLargerThanWhatIsReserved()
    {
        var all = Budget();
        var held = Enumerable.Range(0, 12).Select(_ => new BodyBuffer(null, all)).ToList();
        foreach (var buffer in held)
        {
            Assert.That(await buffer.TryGrowAsync(128 * 1024, 0), Is.True);
            buffer.Append(new byte[128 * 1024]);
        }

        Assert.That(held.Sum(static buffer => MemoryMarshal.TryGetArray(buffer.Memory, out var bytes) ? bytes.Array!.Length : 0), Is.EqualTo(all.Used));
        held.ForEach(static buffer => buffer.Dispose());
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
            Assert.That(TryAdd(held, bytes.AsSpan(at, piece)), Is.True);
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
        Assert.That(TryAdd(held, [1, 2, 3]), Is.True);
        Assert.That(await held.TryGrowAsync(4094, 0), Is.False);
        Assert.That(TryAdd(held, new byte[4094]), Is.False);
        Assert.That(TryAdd(held, new byte[4093]), Is.True, "what fits still does");
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
        TryAdd(held, "abcdef"u8);
        var run = BodySegment.Held(held, isLast: true);
        var part = run.Slice(2, 3, isLast: false);
        run.Dispose();
        Assert.That((all.Used, Events.Text(part.Bytes), part.IsLast), Is.EqualTo((4096L, "cde", false)));
        part.Dispose();
        Assert.That(all.Used, Is.Zero);
    }

    [Test]
    public void Queue_OneRun_IsHandedOnAsItIs()
    {
        var all = Budget();
        using var queue = new SegmentQueue();
        var held = new BodyBuffer(null, all);
        TryAdd(held, "abc"u8);
        queue.Pass(BodySegment.Held(held, isLast: true));
        var taken = queue.TakeAll("xyz"u8.ToArray(), out var owner, out var isOfPush);
        Assert.That((owner, isOfPush, taken.IsSingleSegment, taken.Length), Is.EqualTo((held, false, true, 3L)));
        owner!.Dispose();
        Assert.That(all.Used, Is.Zero);
        Assert.That((queue.TakeAll(default, out owner, out isOfPush).IsEmpty, owner, isOfPush), Is.EqualTo((true, (IDisposable?)null, true)), "it begins anew");
    }

    [Test]
    public void Queue_NeighboursInThePush_AreOneViewOfIt()
    {
        using var queue = new SegmentQueue();
        var bytes = "0123456789"u8.ToArray();
        queue.Pass(BodySegment.OfPush(bytes.AsMemory(2, 3), 2, isLast: false));
        queue.Pass(BodySegment.OfPush(bytes.AsMemory(5, 4), 5, isLast: false));
        var taken = queue.TakeAll(bytes, out var owner, out var isOfPush);
        Assert.That((owner, isOfPush), Is.EqualTo(((IDisposable?)null, true)));
        Assert.That(taken.First, Is.EqualTo(new ReadOnlyMemory<byte>(bytes, 2, 7)));
    }

    [Test]
    public void Queue_SeveralRuns_StayWhereTheyLie()
    {
        var all = new ByteBudget(4096, _clock);
        using var queue = new SegmentQueue();
        var held = new BodyBuffer(null, all);
        TryAdd(held, "held"u8);
        var bytes = "pushed"u8.ToArray();
        var whole = BodySegment.Held(held, isLast: false);
        queue.Pass(whole.Slice(0, 2, isLast: false));
        queue.Pass(BodySegment.OfAnswer("-answer-"u8.ToArray(), isLast: false));
        queue.Pass(whole.Slice(2, 2, isLast: false));
        queue.Pass(BodySegment.OfPush(bytes, 0, isLast: true));
        whole.Dispose();
        var taken = queue.TakeAll(bytes, out var owner, out var isOfPush);
        Assert.That((Events.Text(taken.ToArray()), isOfPush, taken.Length), Is.EqualTo(("he-answer-ldpushed", false, 18L)));
        Assert.That(all.Used, Is.EqualTo(4096));
        owner!.Dispose();
        owner.Dispose();
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
            TryAdd(held, [1]);
            queue.Pass(BodySegment.Held(held, isLast: false));
        }

        queue.Dispose();
        Assert.That(all.Used, Is.Zero);
    }

    private static bool TryAdd(BodyBuffer held, ReadOnlySpan<byte> bytes)
    {
        var isThere = held.TryGrow(bytes.Length);
        held.Append(isThere ? bytes : default);
        return isThere;
    }

    private ByteBudget Budget() => new(1 << 24, _clock);
}
