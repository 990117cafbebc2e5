using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Records;

/// <summary>What observers may do, and what the memory behind records is bounded by.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ExchangeObserversTests
{
    private readonly CopyingObserver _seen = new();
    private readonly FakeLogger<ExchangeObservers> _log = new();

    [Test]
    public void RecordThatIsKept_CannotBeReadLater()
    {
        var keeper = new Keeper();
        var observers = Observers(keeper);
        RunOne(observers);
        var kept = keeper.Kept;
        Assert.That(keeper.Read, Is.EqualTo("web"), "readable while it is told");
        Assert.That(() => kept.Listener, Throws.InvalidOperationException, "while nobody has the memory");

        var next = Begin(observers);
        Assert.That(() => kept.Listener, Throws.InvalidOperationException, "while another exchange has it");
        Assert.That(() => kept.Entries.Length, Throws.InvalidOperationException);
        Assert.That(() => kept.Agents.Length, Throws.InvalidOperationException);
        next.CloseRecord(default, now: 0);
    }

    [Test]
    public void ObserverThatThrows_CostsNobodyAnything()
    {
        var observers = Observers(new Thrower(), _seen);
        RunOne(observers);
        RunOne(observers);

        Assert.That((_seen.Begun, _seen.Entries.Count, _seen.Closed.Count), Is.EqualTo((2, 2, 2)), "the next one learns of all");
        Assert.That(observers.Failures, Is.EqualTo(6), "begun, entry, closed, twice");
        var line = _log.Collector.GetSnapshot().Single();
        Assert.That((line.Level, line.Message, line.Exception!.Message), Is.EqualTo((LogLevel.Error,
            "Thrower failed to take note of an exchange; neither the exchange nor anybody else is affected; 0 more such lines left out", "a defect")));
    }

    [Test]
    public void EntriesBeyondTheBound_AreCountedOnly()
    {
        var exchange = Begin(Observers(_seen));
        for (var i = 0; i < ExchangeRecorder.MaxEntries + 3; i++)
        {
            exchange.NoteUnapplied($"{i}");
        }

        exchange.Give(EventKind.WebSocketFrame, Verdict.Refused(Cause.Timeout));
        exchange.CloseRecord(default, now: 0);
        var record = _seen.Closed.Single();

        Assert.That(record.Entries.Select(static entry => entry.Label), Is.EqualTo(Enumerable.Range(0, ExchangeRecorder.MaxEntries).Select(static i => $"{i}")));
        Assert.That(record.More, Is.EqualTo(4));
        Assert.That((record.Final!.Cause, record.FinalEvent), Is.EqualTo((Cause.Timeout, EventKind.WebSocketFrame)), "what ended it is known however late it came");
    }

    [Test]
    public void AnswersBeyondTheBound_AreNotKept_NorBytesOfBodies()
    {
        var exchange = Begin(Observers(_seen));
        var change = new BodyMutation(new byte[100], 0);
        var answer = AgentResponse.Allow with { RequestBodyMutation = change, ResponseBodyMutation = change };
        for (var i = 0; i < ExchangeRecorder.MaxResponses + 1; i++)
        {
            exchange.Record(new RecordEntry { Kind = RecordKind.Call, Response = answer });
            exchange.Record(new RecordEntry { Kind = RecordKind.Call, Response = AgentResponse.Allow });
        }

        exchange.CloseRecord(default, now: 0);
        var kept = _seen.Closed.Single().Entries.Select(static entry => entry.Response).ToArray();
        Assert.That(kept.Count(response => response is not null && !ReferenceEquals(response, AgentResponse.Allow)), Is.EqualTo(ExchangeRecorder.MaxResponses));
        Assert.That(kept.Count(static response => ReferenceEquals(response, AgentResponse.Allow)), Is.EqualTo(ExchangeRecorder.MaxResponses + 1), "a plain allow costs nothing");
        Assert.That(kept.Select(static response => response?.RequestBodyMutation ?? response?.ResponseBodyMutation), Is.All.Null);
    }

    [Test]
    public void TextsOfClients_AreCut()
    {
        var observers = Observers(_seen);
        var exchange = NewExchange();
        exchange.BeginRecord(observers.Rent(), new string('h', 300), "/" + new string('t', 5000), new string('M', 300));
        exchange.Describe(new RequestMetadata { RequestId = new string('r', 300), ClientIp = "::1" });
        exchange.CloseRecord(default, now: 0);
        var record = _seen.Closed.Single();

        Assert.That(record.Request, Is.EqualTo((new string('M', 256), new string('h', 256), "/" + new string('t', 1023), "::1")));
        Assert.That((record.ProxyId, record.Generation), Is.EqualTo((new string('r', 256), 7L)));
    }

    [Test]
    public void FirstRefusal_IsTheVerdictThatEnded_WhileNobodyRefusesTheLast()
    {
        var observers = Observers(_seen);
        var exchange = Begin(observers);
        var late = Verdict.Allow with { Cause = Cause.Timeout };
        exchange.Give(EventKind.RequestHeaders, Verdict.Allow);
        exchange.Give(EventKind.ResponseHeaders, late);
        exchange.CloseRecord(default, now: 0);
        exchange = Begin(observers);
        var refusal = Verdict.Refused(Cause.Malformed);
        exchange.Give(EventKind.RequestHeaders, refusal);
        exchange.Give(EventKind.RequestBodyChunk, Verdict.Allow);
        exchange.CloseRecord(default, now: 0);

        Assert.That(_seen.Closed.Select(static record => record.Final), Is.EqualTo(new[] { late, refusal }));
    }

    [Test]
    public void Records_AreOfMemoryThatIsReused()
    {
        var observers = Observers(new Keeper());
        Exchange[] exchanges = [.. Enumerable.Range(0, 4).Select(static _ => NewExchange())];

        Assert.That(Allocations.Of(500, () =>
        {
            foreach (var exchange in exchanges)
            {
                exchange.BeginRecord(observers.Rent(), host: null, target: null, method: null);
            }

            foreach (var exchange in exchanges)
            {
                for (var i = 0; i < 100; i++)
                {
                    exchange.Record(new RecordEntry { Kind = RecordKind.Call, Response = AgentResponse.Allow });
                }

                exchange.CloseRecord(default, now: 0);
            }
        }), Is.Zero);
    }

    private ExchangeObservers Observers(params IExchangeObserver[] observers) => new(observers, new FakeTimeProvider(), _log);

    private static Exchange Begin(ExchangeObservers observers)
    {
        var exchange = NewExchange();
        exchange.BeginRecord(observers.Rent(), host: null, target: null, method: null);
        return exchange;
    }

    private static Exchange NewExchange() => Exchange.TryBegin(TestEvents.Id(1), "web", generation: 7, route: null, started: 0)!;

    private static void RunOne(ExchangeObservers observers)
    {
        var exchange = Begin(observers);
        exchange.Give(EventKind.RequestHeaders, Verdict.Allow);
        exchange.CloseRecord(new LedgerEntry(LedgerState.NotSubject, Cause.None), now: 1);
    }

    private sealed class Keeper : IExchangeObserver
    {
        public ExchangeRecord Kept { get; private set; }

        public string? Read { get; private set; }

        public void OnClosed(in ExchangeRecord record) => (Kept, Read) = (record, record.Listener);
    }

    private sealed class Thrower : IExchangeObserver
    {
        public void OnBegun(string listener) => throw new InvalidOperationException("a defect");

        public void OnEntry(string listener, string route, in RecordEntry entry) => throw new InvalidOperationException("a defect");

        public void OnClosed(in ExchangeRecord record) => throw new InvalidOperationException("a defect");
    }
}
