using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Records;

/// <summary>Whatever agents do, on any route, in any exchange: the record is what happened, no more and no less.</summary>
public sealed class RecordProperties
{
    private const int Exchanges = 8;

    [FsCheck.NUnit.Property(MaxTest = 150)]
    public async Task Record_IsWhatHappened(int seed)
    {
        var random = new Random(seed);
        await using var rig = await RecordRig.StartAsync(random);
        for (var i = 0; i < Exchanges; i++)
        {
            var exchange = rig.Inspector.Begin("web", null, "/", "POST");
            var given = new List<(EventKind Event, Verdict Verdict)>();
            await RunAsync(rig, random, exchange, given);
            rig.Inspector.End(exchange);
            Check(rig, exchange, given, rig.Seen.Closed.Single(record => record.Id == exchange.Id));
        }

        Assert.That((rig.Seen.Begun, rig.Seen.Closed.Count), Is.EqualTo((Exchanges, Exchanges)));
        CheckCounts(rig);
    }

    private static async Task RunAsync(RecordRig rig, Random random, Exchange exchange, List<(EventKind Event, Verdict Verdict)> given)
    {
        if (!await InspectAsync(rig, exchange, Events.Request("x"), given) || !await PushAsync(rig, random, exchange, Direction.Request, given))
        {
            return;
        }

        if (random.Next(3) == 0)
        {
            for (var i = 0UL; i < 3 && await InspectAsync(rig, exchange, Events.Frame("x", "frame", index: i), given); i++)
            {
            }
        }
        else if (await InspectAsync(rig, exchange, Events.Response("x"), given))
        {
            await PushAsync(rig, random, exchange, Direction.Response, given);
        }
    }

    private static async Task<bool> InspectAsync(RecordRig rig, Exchange exchange, AgentEvent message, List<(EventKind Event, Verdict Verdict)> given)
    {
        var verdict = await rig.Inspector.InspectAsync(exchange, message, rig.Inspector.DeadlineIn(TimeSpan.FromMinutes(1)));
        given.Add((EventKinds.Of(message.Type), verdict));
        return verdict.IsAllow;
    }

    private static async Task<bool> PushAsync(
        RecordRig rig, Random random, Exchange exchange, Direction direction, List<(EventKind Event, Verdict Verdict)> given)
    {
        for (var pieces = random.Next(4); pieces > 0; pieces--)
        {
            var end = pieces > 1 ? BodyEnd.More : random.Next(5) == 0 ? BodyEnd.Truncated : BodyEnd.Last;
            var piece = new BodyPiece(new byte[random.Next(30)], end);
            using var step = await rig.Inspector.PushAsync(exchange, direction, piece, rig.Inspector.DeadlineIn(TimeSpan.FromMinutes(1)));
            given.Add((BodyPipeline.KindOf(direction), step.Verdict));
            if (!step.Verdict.IsAllow)
            {
                return false;
            }
        }

        return true;
    }

    private static void Check(RecordRig rig, Exchange exchange, List<(EventKind Event, Verdict Verdict)> given, CopiedRecord record)
    {
        Assert.That((record.Account, record.Route, record.More), Is.EqualTo((exchange.Account(), "r", 0)));
        Assert.That(record.Of(RecordKind.Verdict).Select(static entry => (entry.Event, entry.Verdict)), Is.EqualTo(given));
        var final = given.Exists(static one => !one.Verdict.IsAllow) ? given.First(static one => !one.Verdict.IsAllow) : given[^1];
        Assert.That((record.FinalEvent, record.Final), Is.EqualTo(final));
        CheckLines(rig, exchange, record);
        foreach (var line in record.Agents)
        {
            CheckCalls(rig, exchange, record, line);
            foreach (var kind in given.Select(static one => one.Event).Distinct())
            {
                Assert.That(
                    line.Version is null || record.Entries.Any(entry => entry.Agent == line.Agent && entry.Event == kind), Is.True,
                    $"{line.Agent} was asked about {kind}, or it says why not");
            }
        }
    }

    private static void CheckLines(RecordRig rig, Exchange exchange, CopiedRecord record)
    {
        Assert.That(
            record.Agents.Select(static line => (line.Agent, line.Stage, line.Mode)),
            Is.EqualTo(rig.Route.Stages.SelectMany(static (stage, i) => stage.Select(one => (one.Agent.Id, i, one.Policy.Mode)))));
        foreach (var line in record.Agents)
        {
            var part = exchange.Enforced.ToArray().SingleOrDefault(participant => participant.Agent == line.Agent);
            Assert.That(line.Version, Is.EqualTo(line.Mode == AgentMode.Off ? null : $"{line.Agent}-v2"));
            Assert.That(line.Request, Is.EqualTo(part?.Of(Direction.Request) ?? default));
            Assert.That(line.Response, Is.EqualTo(part?.Of(Direction.Response) ?? default));
            var stage = part is null ? null : exchange.BodyOf(Direction.Request)?.Stages.Single(one => one.Participant.Agent == line.Agent);
            Assert.That(line.RequestBody, Is.EqualTo(new BodyRecord(stage?.Seen ?? 0, stage?.Missed ?? 0)));
        }
    }

    private static void CheckCalls(RecordRig rig, Exchange exchange, CopiedRecord record, AgentRecord line)
    {
        var calls = record.Of(RecordKind.Call).Where(call => call.Agent == line.Agent).ToList();
        var asked = rig.Asked.Where(one => one.Exchange == exchange.Id && one.Agent == line.Agent && one.Event != EventKind.RequestComplete);
        Assert.That(
            calls.Where(static call => call.Times.Sent != 0).Select(static call => (call.Event, call.Outcome)),
            Is.EqualTo(asked.Select(static one => (one.Event, one.Outcome))));
        Assert.That(line.Calls, Is.EqualTo(calls.Count));
        foreach (var call in calls)
        {
            Assert.That(call.Version, Is.EqualTo(line.Version));
            Assert.That(call.Times.Settled, Is.GreaterThanOrEqualTo(call.Times.Asked).And.Not.Zero);
            Assert.That(call.IsRetry, Is.False.Or.EqualTo(call.Event == EventKind.RequestHeaders));
        }
    }

    // What is counted at once and what is counted from the record are the same story.
    private static void CheckCounts(RecordRig rig)
    {
        var records = rig.Seen.Closed;
        foreach (var outcome in Enum.GetValues<CallOutcome>())
        {
            var inRecords = records.Sum(record => record.Of(RecordKind.Call).Count(call => call.Outcome == outcome));
            var ends = rig.Asked.Count(one => one.Event == EventKind.RequestComplete && one.Outcome == outcome);
            Assert.That(rig.Sums.Sum("agent.calls", ("outcome", outcome.ToString())), Is.EqualTo(inRecords + ends), outcome.ToString());
        }

        var enforced = records.SelectMany(static record => record.Agents).Where(static line => line is { Mode: AgentMode.Enforce, Version: not null }).ToList();
        Assert.That(rig.Sums.Sum("agent.exchanges", ("direction", "request")), Is.EqualTo(enforced.Count));
        Assert.That(rig.Sums.Sum("agent.body", ("fate", "seen")), Is.EqualTo(enforced.Sum(static line => line.RequestBody.Seen + line.ResponseBody.Seen)));
        Assert.That(rig.Sums.Sum("agent.retries"), Is.EqualTo(records.Sum(static record => record.Of(RecordKind.Call).Count(static call => call.IsRetry))));
        Assert.That((rig.Sums.Sum("exchanges"), rig.Sums.Sum("exchanges.open")), Is.EqualTo(((long)Exchanges, 0L)));
    }
}
