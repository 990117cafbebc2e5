using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>Far more bodies at once than there is memory for: nobody waits for ever, and each is inspected whole or accounted as what it is.</summary>
[NonParallelizable]
public sealed class CrowdedMemoryTests
{
    private const int Exchanges = 1000;
    private const int Pieces = 16;
    private const int PieceBytes = 64 * 1024;
    private const long BodyBytes = Pieces * PieceBytes;

    // What may be held, and a fifth of it for what is not bytes of bodies: exchanges, and small buffers that the pool keeps.
    private const long Memory = 64 << 20;
    private const long MostHeap = Memory + (Memory / 5);

    private static readonly TimeSpan Phase = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Test]
    public async Task ThousandBodiesOfAMebibyte_Under64MiB([Values("Block", "Skip", "Partial")] string action, [Values] bool isKnown)
    {
        var agent = new BodyAgent("a")
        {
            Body = new BodyPolicy { Mode = BodyMode.Buffer, MaxBytes = BodyBytes, OnExcess = Enum.Parse<ExcessAction>(action) },
            KeepsBytes = false,
        };
        await using var rig = await FlowRig.StartAsync(Memory, agent);

        // What the pool has of other tests is there already.
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        var mostHeap = 0L;
        var exchanges = Enumerable.Range(0, Exchanges).Select(_ => rig.Begin()).ToList();
        var alive = exchanges;
        var released = 0L;
        var most = 0L;
        var held = 0;
        for (var piece = 0; piece < Pieces; piece++)
        {
            var deadline = rig.In(Phase);
            var pushes = alive.Select(exchange => PushAsync(rig, exchange, piece == Pieces - 1, isKnown, deadline)).ToList();
            most = Math.Max(most, rig.Memory.Used);
            held = Math.Max(held, rig.Memory.Waiting + agent.Budget.Waiting + pushes.Count(static push => push.IsCompleted));

            // Who has no memory by now gives up; what that sets free is for the others.
            rig.Clock.Advance(Phase / 2);
            var steps = await Task.WhenAll(pushes).WaitAsync(Limit, TimeProvider.System);
            released += steps.Sum(static step => step.Released);
            alive = [.. alive.Where((_, i) => steps[i].IsAllow)];
            if (piece is 0 or Pieces - 2)
            {
                // A connection of tests remembers what it was asked.
                agent.Connection!.Asked.Clear();
                mostHeap = Math.Max(mostHeap, GC.GetTotalMemory(forceFullCollection: true) - heap);
            }
        }

        exchanges.ForEach(exchange => rig.Inspector.End(exchange));
        var inspected = Count(rig, "inspected|none");
        var excess = Count(rig, action switch { "Block" => "refused|body-memory", "Skip" => "bypassed|body-memory", _ => isKnown ? "bypassed|body-memory" : "partly|body-memory" });
        Assert.That(held, Is.EqualTo(Exchanges), "all at once");
        Assert.That(inspected + excess, Is.EqualTo(Exchanges));
        Assert.That(inspected, Is.GreaterThan(0).And.LessThan(Exchanges));
        Assert.That(!isKnown || inspected == 64, Is.True, "who knows the size reserves it all, or nothing");
        Assert.That(most, Is.InRange(60 << 20, Memory));
        Assert.That(mostHeap, Is.LessThan(MostHeap), "what is counted is what is held");
        Assert.That(released, Is.EqualTo((action == "Block" ? inspected : Exchanges) * BodyBytes));
        var (seen, missed) = rig.BytesOf("a");
        Assert.That(seen + missed, Is.EqualTo(action == "Block" ? inspected * BodyBytes : Exchanges * BodyBytes));
        Assert.That(seen, action == "Partial" && !isKnown ? Is.GreaterThan(inspected * BodyBytes) : Is.EqualTo(inspected * BodyBytes));
        await TestContext.Out.WriteLineAsync($"{action}, size {(isKnown ? "known" : "unknown")}: {inspected} inspected, {excess} {action}, at most {most >> 10} KiB reserved, {mostHeap >> 10} KiB on the heap");
    }

    [Test]
    public async Task SlowAgentOrFrontEnd_HoldsItsOwnBytesOnly()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var agent = new BodyAgent("a") { Body = new BodyPolicy { Mode = BodyMode.Buffer }, KeepsBytes = false, Delay = turn.Task };
        await using var rig = await FlowRig.StartAsync(4 * BodyBytes, agent);

        // One agent's answer does not come, and one front end does not get rid of what was released.
        var thinking = PushBodyAsync(rig);
        agent.Delay = null;
        var stuck = await PushBodyAsync(rig);
        Assert.That(rig.Memory.Used, Is.EqualTo(2 * BodyBytes), "each its own");
        for (var i = 0; i < 50; i++)
        {
            using var step = await PushBodyAsync(rig).WaitAsync(Limit, TimeProvider.System);
            Assert.That((step.Verdict.IsAllow, step.Release.Length), Is.EqualTo((true, BodyBytes)));
        }

        Assert.That((rig.Memory.Used, thinking.IsCompleted), Is.EqualTo((2 * BodyBytes, false)));
        stuck.Dispose();
        Assert.That(rig.Memory.Used, Is.EqualTo(BodyBytes));
        turn.SetResult();
        (await thinking.WaitAsync(Limit, TimeProvider.System)).Dispose();
        Assert.That(rig.Memory.Used, Is.Zero);
    }

    private static async Task<BodyStep> PushBodyAsync(FlowRig rig)
    {
        var exchange = rig.Begin();
        for (var piece = 1; piece < Pieces; piece++)
        {
            (await rig.Inspector.PushAsync(exchange, Direction.Request, new BodyPiece(Piece, BodyEnd.More), rig.In(Phase))).Dispose();
        }

        return await rig.Inspector.PushAsync(exchange, Direction.Request, new BodyPiece(Piece, BodyEnd.Last), rig.In(Phase));
    }

    private static long Count(FlowRig rig, string state) => rig.Sums.Of("agent.exchanges").Where(line => line.StartsWith($"a|request|{state}=", StringComparison.Ordinal))
        .Sum(static line => long.Parse(line[(line.LastIndexOf('=') + 1)..], System.Globalization.CultureInfo.InvariantCulture));

    private static readonly byte[] Piece = new byte[PieceBytes];

    private static async Task<(bool IsAllow, long Released)> PushAsync(FlowRig rig, Exchange exchange, bool isLast, bool isKnown, long deadline)
    {
        var piece = new BodyPiece(Piece, isLast ? BodyEnd.Last : BodyEnd.More, isKnown ? BodyBytes : null);
        using var step = await rig.Inspector.PushAsync(exchange, Direction.Request, piece, deadline);
        return (step.Verdict.IsAllow, step.Release.Length);
    }
}
