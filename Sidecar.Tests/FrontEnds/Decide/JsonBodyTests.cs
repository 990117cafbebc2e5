using System.Buffers;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Decide;

/// <summary>What is kept of a body whose caller keeps all its parts, and what is told of it with the last one.</summary>
internal sealed class JsonBodyTests
{
    private const int PartSize = 256 * 1024;
    private const int Parts = 8;

    private static readonly byte[] Part = new byte[PartSize];

    [Test]
    public void BodyThatGoesOnAsItCame_IsNotCopiedTogether()
    {
        var (body, memory) = Kept();

        var before = GC.GetAllocatedBytesForCurrentThread();
        var isReleased = body.TryRelease(Step(Parts, isPristine: true), BodyEnd.Last, out var release);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.That((isReleased, release.HasValue), Is.EqualTo((true, false)));
        Assert.That(allocated, Is.LessThan(PartSize), "nothing as large as a part is made");
        Assert.That(memory.Used, Is.Zero);
    }

    [Test]
    public void ChangedBody_IsToldWhole()
    {
        var (body, memory) = Kept();

        var isReleased = body.TryRelease(Step(Parts, isPristine: false), BodyEnd.Last, out var release);

        Assert.That((isReleased, release?.Length), Is.EqualTo((true, Parts * PartSize)));
        Assert.That(memory.Used, Is.Zero);
    }

    // All parts but the last.
    private static (JsonBody Body, ByteBudget Memory) Kept()
    {
        var memory = new ByteBudget(16 * 1024 * 1024, new FakeTimeProvider());
        var body = new JsonBody(LooseExchange.New(), Direction.Request, memory);
        for (var i = 0; i < Parts; i++)
        {
            var end = i < Parts - 1 ? BodyEnd.More : BodyEnd.Last;
            Assert.That(body.Take(new DecideBody { Data = Part, Part = i, IsKept = true, End = end }), Is.Null);
        }

        for (var i = 1; i < Parts; i++)
        {
            Assert.That(body.TryRelease(Step(i, isPristine: true), BodyEnd.More, out _));
        }

        Assert.That(memory.Used, Is.GreaterThanOrEqualTo((Parts - 1) * PartSize), "who changes a later part has the whole told");
        return (body, memory);
    }

    // A part that was released as a whole, after those before it.
    private static BodyStep Step(int parts, bool isPristine) => new(
        Verdict.Allow, new ReadOnlySequence<byte>(Part), null, isUnchanged: isPristine,
        new BodyProgress(parts * PartSize, parts * PartSize, isPristine, IsHolding: false, WantsMore: parts < Parts));
}
