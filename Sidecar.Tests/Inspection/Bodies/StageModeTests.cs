using System.Globalization;
using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.Inspection.Bodies;

/// <summary>What an agent is shown in each mode, and what its answers do to the bytes (spec §5.4).</summary>
public sealed class StageModeTests
{
    // Pieces of "abcdefghij" with their sizes; what the agent sees is written data[index,transferred,total] with ! for the last.
    [TestCase("Stream", 100, "3 3 4", false, "abc[0,3,-] def[1,6,-] ghij[2,10,-]!")]
    [TestCase("Stream", 100, "3 3 4", true, "abc[0,3,10] def[1,6,10] ghij[2,10,10]!")]
    [TestCase("Stream", 100, "10 0", false, "abcdefghij[0,10,-] [1,10,-]!")]
    [TestCase("Stream", 100, "10", false, "abcdefghij[0,10,10]!")]
    [TestCase("Stream", 4, "6 4", false, "abcd[0,4,-] ef[1,6,-] ghij[2,10,-]!")]
    [TestCase("Buffer", 100, "3 3 4", false, "abcdefghij[0,10,10]!")]
    [TestCase("Buffer", 100, "3 3 4", true, "abcdefghij[0,10,10]!")]
    [TestCase("Buffer", 100, "10 0", false, "abcdefghij[0,10,10]!")]
    [TestCase("Buffer", 4, "6 4", false, "abcd[0,4,10] efgh[1,8,10] ij[2,10,10]!")]
    [TestCase("Hybrid", 100, "2 2 6", false, "abcd[0,4,-] efghij[1,10,-]!")]
    [TestCase("Hybrid", 100, "2 1 0", false, "abc[0,3,3]!")]
    [TestCase("Hybrid", 100, "5 5", false, "abcde[0,5,-] fghij[1,10,-]!")]
    [TestCase("Hybrid", 3, "2 2 6", false, "abc[0,3,-] d[1,4,-] efg[2,7,-] hij[3,10,-]!")]
    [TestCase("Stream", 100, "0", false, "[0,0,0]!")]
    [TestCase("Buffer", 100, "0", true, "[0,0,0]!")]
    [TestCase("Hybrid", 100, "0", false, "[0,0,0]!")]
    public async Task Pieces_AreShownAsTheModeSays(string mode, int most, string sizes, bool isAnnounced, string shown)
    {
        foreach (var direction in (Direction[])[Direction.Request, Direction.Response])
        {
            var agent = new BodyAgent("a") { Body = new BodyPolicy { Mode = Enum.Parse<BodyMode>(mode), Threshold = 4 }, MaxEventBytes = most };
            await using var rig = await FlowRig.StartAsync(agent);
            var exchange = rig.Begin();
            int[] pieces = [.. sizes.Split(' ').Select(static size => int.Parse(size, CultureInfo.InvariantCulture))];
            var body = "abcdefghij"u8[..pieces.Sum()].ToArray();
            var released = new List<byte>();
            var at = 0;
            foreach (var (i, size) in pieces.Index())
            {
                var end = i == pieces.Length - 1 ? BodyEnd.Last : BodyEnd.More;
                var step = await rig.PushAsync(exchange, body[at..(at += size)], end, isAnnounced ? body.Length : null, direction);
                released.AddRange(step.Released);
            }

            Assert.That(string.Join(' ', agent.Shown.Select(Written)), Is.EqualTo(shown));
            Assert.That(agent.Shown.Select(static one => one.Event is RequestBodyChunkEvent), Is.All.EqualTo(direction == Direction.Request));
            Assert.That(released, Is.EqualTo(body));
        }
    }

    [Test]
    public async Task LastPiecesMutation_OfEverythingHeld_ReplacesTheWholeBody()
    {
        var agent = new BodyAgent("a", static shown => shown.IsLast ? shown.Replace("whole"u8.ToArray(), 0) : More());
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        var first = await rig.PushAsync(exchange, "abc"u8.ToArray());
        Assert.That((first.Released.Length, first.IsUnchanged, first.Progress.IsHolding, first.Progress.WantsMore), Is.EqualTo((0, false, true, true)));
        await rig.PushAsync(exchange, "def"u8.ToArray());
        var last = await rig.PushAsync(exchange, [], BodyEnd.Last);
        Assert.That((Text(last), last.Progress.IsPristine, last.Progress.Pushed, last.Progress.Released), Is.EqualTo(("whole", false, 6L, 5L)));
    }

    [Test]
    public async Task WholeBodyAnswer_AfterAFinalOne_IsIgnoredAndLogged()
    {
        var agent = new BodyAgent(
            "a", static shown => shown.IsLast ? shown.Replace("whole"u8.ToArray(), 0) : shown.Number == 0 ? CallResult.Answered(AgentResponse.Allow) : More());
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        Assert.That(Text(await rig.PushAsync(exchange, "abc"u8.ToArray())), Is.EqualTo("abc"));
        Assert.That(Text(await rig.PushAsync(exchange, "def"u8.ToArray())), Is.Empty);
        Assert.That(Text(await rig.PushAsync(exchange, "ghi"u8.ToArray(), BodyEnd.Last)), Is.EqualTo("defghi"));
        Assert.That(rig.Logs.Of<Inspector>().Single().Message, Does.Contain("no effect").And.Contain("piece 0 of the body in its answer to piece 2"));
    }

    [Test]
    public async Task FirstPieceIsTheLast_IndexZeroReplacesIt()
    {
        var agent = new BodyAgent("a", static shown => shown.Replace("new"u8.ToArray(), 0));
        await using var rig = await FlowRig.StartAsync(agent);
        Assert.That(Text(await rig.PushAsync(rig.Begin(), "abc"u8.ToArray(), BodyEnd.Last)), Is.EqualTo("new"));
        Assert.That(rig.Logs.Of<Inspector>(), Is.Empty);
    }

    [Test]
    public async Task MutationOfTheOtherDirection_IsIgnoredAndLogged()
    {
        var agent = new BodyAgent("a", static _ => CallResult.Answered(AgentResponse.Allow.WithResponseBody("x"u8.ToArray(), 0)));
        await using var rig = await FlowRig.StartAsync(agent);
        var step = await rig.PushAsync(rig.Begin(), "abc"u8.ToArray(), BodyEnd.Last);
        Assert.That((Text(step), step.IsUnchanged), Is.EqualTo(("abc", true)));
        Assert.That(rig.Logs.Of<Inspector>().Single().Message, Does.Contain("the other direction"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Block_CountsOnlyWhenItIsFinal(bool isProvisional)
    {
        var agent = new BodyAgent("a", shown => CallResult.Answered(isProvisional ? Answer.Block().NeedingMore() : Answer.Block()));
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        var first = await rig.PushAsync(exchange, "abc"u8.ToArray());
        Assert.That(first.Verdict.IsAllow, Is.EqualTo(isProvisional));
        var last = await rig.PushAsync(exchange, "def"u8.ToArray(), BodyEnd.Last);
        Assert.That((last.Verdict.Kind, last.Released.Length), Is.EqualTo((VerdictKind.Block, 0)));
        Assert.That(agent.Shown, Has.Count.EqualTo(isProvisional ? 2 : 1), "nothing is asked after a decision");
    }

    [Test]
    public async Task EachAgent_SeesWhatTheOneBeforeReleased()
    {
        var first = new BodyAgent("a", static shown => shown.Number == 1 ? shown.Replace([]) : shown.Replace([.. shown.Data, .. "+"u8]));
        var second = new BodyAgent("b", static shown => shown.IsLast ? shown.Replace(Encoding.ASCII.GetBytes($"<{Encoding.ASCII.GetString(shown.Data)}>")) : More());
        var third = new BodyAgent("c") { Body = new BodyPolicy { Mode = BodyMode.Buffer } };
        await using var rig = await FlowRig.StartAsync(first, second, third);
        var exchange = rig.Begin();
        var released = "";
        foreach (var (piece, end) in ((string, BodyEnd)[])[("abc", BodyEnd.More), ("def", BodyEnd.More), ("ghi", BodyEnd.Last)])
        {
            released += Text(await rig.PushAsync(exchange, Encoding.ASCII.GetBytes(piece), end, 9));
        }

        Assert.That(first.Shown.Select(Written), Is.EqualTo(new[] { "abc[0,3,9]", "def[1,6,-]", "ghi[2,9,-]!" }), "what was announced is not true any more");
        Assert.That(second.Shown.Select(Written), Is.EqualTo(new[] { "abc+[0,4,-]", "ghi+[1,8,-]!" }));
        Assert.That(Encoding.ASCII.GetString(third.Bytes), Is.EqualTo("abc+<ghi+>"));
        Assert.That(released, Is.EqualTo("abc+<ghi+>"));
    }

    [Test]
    public async Task AgentThatTakesNoBodies_LetsThemPassUnaccounted()
    {
        var agent = new BodyAgent("a") { Events = EventSet.RequestHeaders };
        await using var rig = await FlowRig.StartAsync(agent);
        var exchange = rig.Begin();
        var step = await rig.PushAsync(exchange, "abc"u8.ToArray());
        Assert.That((step.IsUnchanged, step.Progress.WantsMore), Is.EqualTo((true, false)));
        Assert.That(rig.AccountOf(exchange, "a").State, Is.EqualTo(LedgerState.NotSubject));
        Assert.That(rig.BytesOf("a"), Is.EqualTo((0L, 0L)));
    }

    private static CallResult More() => CallResult.Answered(AgentResponse.Allow.NeedingMore());

    private static string Text(Step step) => Encoding.ASCII.GetString(step.Released);

    private static string Written(Shown shown) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Encoding.ASCII.GetString(shown.Data)}[{shown.Event.ChunkIndex},{shown.Event.BytesTransferred},{shown.Event.TotalSize?.ToString(CultureInfo.InvariantCulture) ?? "-"}]{(shown.IsLast ? "!" : "")}");
}
