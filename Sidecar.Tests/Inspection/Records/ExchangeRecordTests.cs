using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Records;

/// <summary>The record of an exchange says who was asked and why, what each said, and what came of it.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ExchangeRecordTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly CopyingObserver _seen = new();

    [Test]
    public async Task RefusedRequest_SaysWhoSaidWhatAndWhoWasNotAsked()
    {
        await using var first = LambdaAgent.That("first", Answer.Allow.WithRequestHeaders(HeaderOperation.Set("x-user", "jo")));
        await using var blocker = LambdaAgent.That("blocker", Answer.Block(403));
        await using var late = new LambdaAgent("late");
        await using var off = new LambdaAgent("off") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Mode = AgentMode.Off } };
        await using var watcher = new LambdaAgent("watcher")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Mode = AgentMode.Monitor },
            Answers = static (_, _) => new(Answer.Block(418)),
        };
        await using var harness = await StartAsync(first, blocker, off, late, watcher);
        var exchange = harness.Inspector.Begin("web", "shop.example", "/cart?item=1", "POST");
        var request = Events.Request("x");
        await harness.Inspector.InspectAsync(
            exchange, request with { Metadata = new RequestMetadata { RequestId = "p-1", ClientIp = "192.0.2.7" } }, harness.Inspector.DeadlineIn(Limit));
        harness.Inspector.End(exchange);
        await _seen.ClosedAsync(1);
        var record = _seen.Closed.Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                (record.Id, record.ProxyId, record.Listener, record.Route, record.Generation),
                Is.EqualTo((exchange.Id, "p-1", "web", "all", harness.Inspector.Model.Generation)));
            Assert.That(record.Request, Is.EqualTo(("POST", "shop.example", "/cart?item=1", "192.0.2.7")));
            Assert.That(record.Times.Ended, Is.GreaterThanOrEqualTo(record.Times.Started));
            Assert.That(record.Account, Is.EqualTo(new LedgerEntry(LedgerState.Inspected, Cause.None)));
            Assert.That((record.Final!.Kind, record.Final.DecidedBy, record.FinalEvent), Is.EqualTo((VerdictKind.Block, "blocker", EventKind.RequestHeaders)));
            Assert.That(
                record.Agents.Select(static line => (line.Agent, line.Version, line.Mode, line.Stage, line.Request.Label, line.Calls)),
                Is.EqualTo(new[]
                {
                    ("first", "1", AgentMode.Enforce, 0, "inspected", 1),
                    ("blocker", "1", AgentMode.Enforce, 1, "inspected", 1),
                    ("off", null, AgentMode.Off, 2, "not-subject", 0),
                    ("late", "1", AgentMode.Enforce, 3, "not-subject", 0),
                    ("watcher", "1", AgentMode.Monitor, 4, "not-subject", 1),
                }));
            Assert.That(record.Of(RecordKind.Call).Select(Saying), Is.EquivalentTo(new[]
            {
                ("first", EventKind.RequestHeaders, CallOutcome.Answered, VerdictKind.Allow),
                ("blocker", EventKind.RequestHeaders, CallOutcome.Answered, VerdictKind.Block),
                ("watcher", EventKind.RequestHeaders, CallOutcome.Answered, VerdictKind.Block),
            }));
            Assert.That(record.Of(RecordKind.Call).Single(static call => call.Agent == "first").Response!.RequestHeaders.Single().Name, Is.EqualTo("x-user"));
            Assert.That(
                record.Of(RecordKind.Skipped).Select(static skip => (skip.Agent, skip.Event, skip.Skip)),
                Is.EqualTo(new[] { ("late", EventKind.RequestHeaders, SkipReason.Decided) }));
            Assert.That(record.Of(RecordKind.WouldBe).Select(static would => (would.Agent, would.Label)), Is.EqualTo(new[] { ("watcher", "would-block") }));
            Assert.That(record.Of(RecordKind.Verdict).Single().Verdict, Is.SameAs(record.Final));
        }
    }

    [Test]
    public async Task EventsThatAnAgentDoesNotWant_AreNamedOnceForEachKind()
    {
        await using var agent = new LambdaAgent("headers") { Supports = EventSet.RequestHeaders };
        await using var harness = await StartAsync(agent);
        var exchange = harness.Inspector.Begin("web", null, "/", "GET");
        await InspectAsync(harness, exchange, Events.Request("x"));
        await PushAsync(harness, exchange, "one", BodyEnd.More);
        await PushAsync(harness, exchange, "two", BodyEnd.Last);
        await InspectAsync(harness, exchange, Events.Response("x"));
        for (var i = 0UL; i < 3; i++)
        {
            await InspectAsync(harness, exchange, Events.Frame("x", "frame", index: i));
        }

        harness.Inspector.End(exchange);

        Assert.That(_seen.Closed.Single().Of(RecordKind.Skipped).Select(static skip => (skip.Event, skip.Skip)), Is.EqualTo(new[]
        {
            (EventKind.RequestBodyChunk, SkipReason.NotWanted),
            (EventKind.ResponseHeaders, SkipReason.NotWanted),
            (EventKind.WebSocketFrame, SkipReason.NotWanted),
        }));
    }

    [Test]
    public async Task BodyThatPassesAnAgentBy_SaysSinceWhenAndHowMuch()
    {
        await using var agent = new LambdaAgent("waf")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Open) with
            {
                RequestBody = new BodyPolicy { Mode = BodyMode.Stream, MaxBytes = 4, OnExcess = ExcessAction.Skip },
            },
        };
        await using var harness = await StartAsync(agent);
        var exchange = harness.Inspector.Begin("web", null, "/", "POST");
        await InspectAsync(harness, exchange, Events.Request("x"));
        await PushAsync(harness, exchange, "seen", BodyEnd.More);
        await PushAsync(harness, exchange, "too much", BodyEnd.More);
        await PushAsync(harness, exchange, "more", BodyEnd.Last);
        harness.Inspector.End(exchange);
        var record = _seen.Closed.Single();

        Assert.That(record.Line("waf").RequestBody, Is.EqualTo(new BodyRecord(Seen: 4, Missed: 12)));
        Assert.That(record.Line("waf").Request, Is.EqualTo(new LedgerEntry(LedgerState.Bypassed, Cause.TooLarge)));
        Assert.That(
            record.Of(RecordKind.Skipped).Select(static skip => (skip.Event, skip.Skip)),
            Is.EqualTo(new[] { (EventKind.RequestBodyChunk, SkipReason.Excess) }));
    }

    [Test]
    public async Task Retry_IsAnEntryOfItsOwn()
    {
        await using var agent = new LambdaAgent("waf");
        await using var harness = await InspectionHarness.StartAsync(new HarnessOptions { Observers = [_seen], Connections = 2 }, agent);
        agent.Answers = async (_, cancellation) =>
        {
            if (agent.Seen.Count == 1)
            {
                harness.ConnectionsOf("waf").Single(static pooled => pooled.Connection.Stats.InFlight > 0).Connection.Abort("crash");
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            }

            return AgentResponse.Allow;
        };
        var exchange = harness.Inspector.Begin("web", null, "/", "GET");
        await InspectAsync(harness, exchange, Events.Request("x"));
        harness.Inspector.End(exchange);

        Assert.That(
            _seen.Closed.Single().Of(RecordKind.Call).Select(static call => (call.Outcome, call.IsRetry)),
            Is.EqualTo(new[] { (CallOutcome.ConnectionLost, false), (CallOutcome.Answered, true) }));
        Assert.That(harness.Sums.Sum("agent.retries", ("agent", "waf"), ("version", "1")), Is.EqualTo(1));
    }

    [Test]
    public async Task UnappliedOperation_IsInTheRecord()
    {
        await using var harness = await StartAsync();
        var exchange = harness.Inspector.Begin("web", null, "/", "GET");
        exchange.NoteUnapplied("request-body");
        harness.Inspector.End(exchange);

        Assert.That(_seen.Closed.Single().Of(RecordKind.Unapplied).Single().Label, Is.EqualTo("request-body"));
        Assert.That(harness.Sums.Of("operations.unapplied"), Is.EqualTo(new[] { "web|request-body=1" }));
    }

    [Test]
    public async Task WhatMakesNoRequest_IsOnNoRoute()
    {
        await using var agent = new LambdaAgent("waf");
        await using var harness = await StartAsync(agent);
        harness.Inspector.Account("web", LedgerState.Refused, Cause.Malformed);
        var record = _seen.Closed.Single();

        Assert.That(
            (record.Route, record.Agents.Length, record.Account),
            Is.EqualTo(((string?)null, 0, new LedgerEntry(LedgerState.Refused, Cause.Malformed))));
        Assert.That(record.Request, Is.EqualTo(((string?)null, (string?)null, (string?)null, (string?)null)));
        Assert.That(harness.Sums.Of("exchanges"), Is.EqualTo(new[] { "web|none|refused|malformed=1" }));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.Empty, "no agent's coverage suffers from it");
    }

    [Test]
    public async Task Record_WaitsForThoseWhoOnlyWatch()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var watcher = new LambdaAgent("watcher")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { Mode = AgentMode.Monitor },
            Answers = async (_, _) =>
            {
                await turn.Task;
                return Answer.Block(403);
            },
        };
        await using var harness = await StartAsync(watcher);
        var exchange = harness.Inspector.Begin("web", null, "/", "GET");
        await InspectAsync(harness, exchange, Events.Request("x"));
        harness.Inspector.End(exchange);
        await watcher.SeenAsync(1);

        Assert.That(_seen.Closed, Is.Empty);
        turn.SetResult();
        await _seen.ClosedAsync(1);
        Assert.That(_seen.Closed.Single().Of(RecordKind.WouldBe).Single().Label, Is.EqualTo("would-block"));
        Assert.That(_seen.Closed.Single().Line("watcher").Calls, Is.EqualTo(1));
    }

    [Test]
    public async Task WhatComesAfterTheEnd_IsToldButInNoRecord()
    {
        await using var agent = new LambdaAgent("waf");
        await using var harness = await StartAsync(agent);
        var exchange = harness.Inspector.Begin("web", null, "/", "GET");
        await InspectAsync(harness, exchange, Events.Request("x"));
        harness.Inspector.End(exchange);
        exchange.NoteUnapplied("late");
        await InspectAsync(harness, exchange, Events.Response("x"));

        // The next exchange gets the same memory.
        harness.Inspector.End(harness.Inspector.Begin("web", null, "/", "GET"));
        exchange.NoteUnapplied("later");
        await Eventually.TrueAsync(
            () => _seen.Entries.Any(static entry => entry is { Kind: RecordKind.Call, Event: EventKind.RequestComplete }), Limit, "the news of the end");

        var records = _seen.Closed.ToArray();
        Assert.That(records.Select(static record => record.Entries.Length), Is.EqualTo(new[] { 2, 0 }));
        Assert.That(_seen.Entries.Count(static entry => entry.Kind == RecordKind.Unapplied), Is.EqualTo(2));
        Assert.That(records[1].Final, Is.Null);
    }

    private Task<InspectionHarness> StartAsync(params LambdaAgent[] agents) =>
        InspectionHarness.StartAsync(new HarnessOptions { Observers = [_seen], Sequential = true }, agents);

    private static ValueTask<Verdict> InspectAsync(InspectionHarness harness, Exchange exchange, AgentEvent message) =>
        harness.Inspector.InspectAsync(exchange, message, harness.Inspector.DeadlineIn(Limit));

    private static async Task PushAsync(InspectionHarness harness, Exchange exchange, string text, BodyEnd end)
    {
        using var step = await harness.Inspector.PushAsync(
            exchange, Direction.Request, new BodyPiece(System.Text.Encoding.UTF8.GetBytes(text), end), harness.Inspector.DeadlineIn(Limit));
    }

    private static (string?, EventKind, CallOutcome, VerdictKind) Saying(RecordEntry call) => (call.Agent, call.Event, call.Outcome, call.Said);
}
