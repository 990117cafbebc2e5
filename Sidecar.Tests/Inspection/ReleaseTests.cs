using System.Collections.Concurrent;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>Each connection that an exchange was put on is told once that it is over, after its last call, however it ended.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ReleaseTests : IAsyncDisposable
{
    private readonly MetricSums _sums = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeConnection _a = new("a", maxInFlight: 1000);
    private readonly FakeConnection _b = new("b", maxInFlight: 1000);
    private PlayedDaemon _daemon = null!;

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        _sums.Dispose();
    }

    [TestCase(nameof(CallOutcome.Answered))]
    [TestCase(nameof(CallOutcome.BadAnswer))]
    [TestCase(nameof(CallOutcome.TimedOut))]
    [TestCase(nameof(CallOutcome.ConnectionLost))]
    [TestCase(nameof(CallOutcome.Cancelled))]
    [TestCase(nameof(CallOutcome.Owed))]
    [TestCase(nameof(CallOutcome.NotSendable))]
    [TestCase(nameof(CallOutcome.ShutDown))]
    public async Task HoweverTheCallsEnd(string end)
    {
        var outcome = Enum.Parse<CallOutcome>(end);
        _a.Answer = _ => outcome == CallOutcome.Answered ? CallResult.Answered(AgentResponse.Allow) : CallResult.Failed(outcome, "as told");
        var inspector = await InspectorAsync(_a);
        var exchange = await InspectAsync(inspector);
        Assert.That(_a.Released, Is.Empty, "it may still be asked about the response");
        await inspector.InspectAsync(exchange, Events.Response("x"), inspector.DeadlineIn(TimeSpan.FromSeconds(1)));
        inspector.End(exchange);
        inspector.End(exchange);
        await IsReleasedAsync(_a, exchange);
        Assert.That(_a.Asked.Last().Type, Is.EqualTo(MessageType.RequestComplete).Or.EqualTo(MessageType.RequestHeaders), "RequestComplete, if it knew of the exchange");
    }

    [Test]
    public async Task Decision_ThatEndsTheWait_ReleasesTheOthersToo()
    {
        var waiting = new TaskCompletionSource<CallResult>();
        _a.Answer = static _ => CallResult.Answered(new AgentResponse { Decision = new BlockDecision() });
        _b.AnswerLater = (message, _) => message is RequestHeadersEvent ? waiting.Task : Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        var inspector = await InspectorAsync([Agent("a", [_a]), Agent("b", [_b])]);
        var exchange = inspector.Begin("l", null, "/", "GET");
        var verdict = inspector.InspectAsync(exchange, Events.Request("x"), inspector.DeadlineIn(TimeSpan.FromSeconds(1))).AsTask();
        await Eventually.TrueAsync(() => !_b.Cancels.IsEmpty, ScriptedAgent.Limit, "the cancel");
        waiting.SetResult(CallResult.Failed(CallOutcome.Cancelled, "blocked"));
        await verdict;
        inspector.End(exchange);
        await IsReleasedAsync(_a, exchange);
        await IsReleasedAsync(_b, exchange);
    }

    [Test]
    public async Task Retry_ReleasesTheConnectionThatWasLost_AndTheOther()
    {
        var released = new List<int>();
        _a.Answer = _b.Answer = message =>
        {
            released.Add(_a.Released.Count + _b.Released.Count);
            return released.Count == 1 ? CallResult.Failed(CallOutcome.ConnectionLost, "died") : CallResult.Answered(AgentResponse.Allow);
        };
        var inspector = await InspectorAsync(_a, _b);
        var exchange = await InspectAsync(inspector);
        Assert.That(released, Is.EqualTo(new[] { 0, 1 }), "the first is let go before the second is asked");
        inspector.End(exchange);
        await IsReleasedAsync(_a, exchange);
        await IsReleasedAsync(_b, exchange);
    }

    [Test]
    public async Task RefusedOutright_IsNotPutOnIt()
    {
        foreach (var connection in new[] { _a, _b })
        {
            connection.Answer = _ =>
            {
                // Somebody else was faster on the first.
                var isFirst = _a.Asked.Count + _b.Asked.Count == 1;
                connection.InFlight = isFirst ? 1000 : 0;
                return isFirst ? CallResult.Failed(CallOutcome.NoRoom, "full") : CallResult.Answered(AgentResponse.Allow);
            };
        }

        var inspector = await InspectorAsync(_a, _b);
        var exchange = await InspectAsync(inspector);
        inspector.End(exchange);
        var (full, used) = _a.Asked.Count == 1 ? (_a, _b) : (_b, _a);
        Assert.That((full.Asked.Count, used.Asked.Count), Is.EqualTo((1, 2)));
        await IsReleasedAsync(used, exchange);
        Assert.That(full.Released, Is.Empty);
    }

    [Test]
    public async Task ConnectionThatEnded_IsToldAllTheSame()
    {
        var inspector = await InspectorAsync(_a);
        var exchange = await InspectAsync(inspector);
        _a.Abort("crash");
        inspector.End(exchange);
        await IsReleasedAsync(_a, exchange);
    }

    [Test]
    public async Task NobodyAsked_NothingReleased()
    {
        var inspector = await InspectorAsync(_a);
        inspector.End(inspector.Begin("l", null, "/", "GET"));
        inspector.Account("l", Daemon.Inspection.Ledger.LedgerState.Refused, Cause.Malformed);
        Assert.That(_a.Released, Is.Empty);
    }

    [Test]
    public async Task RequestComplete_GoesFirst_AndIsWaitedFor()
    {
        var complete = new TaskCompletionSource<CallResult>();
        _a.AnswerLater = (message, _) => message is RequestCompleteEvent ? complete.Task : Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        var inspector = await InspectorAsync(_a);
        var exchange = await InspectAsync(inspector);
        inspector.End(exchange);
        Assert.That((_a.Asked.Last().Type, _a.Released.IsEmpty), Is.EqualTo((MessageType.RequestComplete, true)));
        complete.SetResult(CallResult.Failed(CallOutcome.TimedOut, "it never says a word"));
        await IsReleasedAsync(_a, exchange);
    }

    [Test]
    public async Task RequestCompleteLeftOut_ReleasesAtTheEnd()
    {
        var inspector = await InspectorAsync([Agent("a", [_a], EventKind.RequestHeaders.AsSet())]);
        var exchange = await InspectAsync(inspector);
        inspector.End(exchange);
        await IsReleasedAsync(_a, exchange);
        Assert.That(_a.Asked, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task AbandonedWhileAsked_IsReleasedWhenTheCallHasEnded()
    {
        var answer = new TaskCompletionSource<CallResult>();
        _a.AnswerLater = (message, _) => message is RequestHeadersEvent ? answer.Task : Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        var inspector = await InspectorAsync(_a);
        var exchange = inspector.Begin("l", null, "/", "GET");
        var inspecting = inspector.InspectAsync(exchange, Events.Request("x"), inspector.DeadlineIn(TimeSpan.FromSeconds(1))).AsTask();
        exchange.Abandon(Cause.ClientGone, CancelReason.ClientDisconnect);
        inspector.End(exchange);
        Assert.That((_a.Cancels.Count, _a.Released.IsEmpty), Is.EqualTo((1, true)));
        answer.SetResult(CallResult.Failed(CallOutcome.Cancelled, "gone"));
        await inspecting;
        await IsReleasedAsync(_a, exchange);
    }

    [Test]
    public async Task CopyForAMonitor_KeepsItUntilItIsJudged()
    {
        var copy = new TaskCompletionSource<CallResult>();
        _a.AnswerLater = (message, _) => message is RequestHeadersEvent ? copy.Task : Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        var inspector = await InspectorAsync([Agent("a", [_a], EventKind.RequestHeaders.AsSet(), AgentMode.Monitor)]);
        var exchange = await InspectAsync(inspector);
        inspector.End(exchange);
        Assert.That((_a.Asked.Count, _a.Released.IsEmpty), Is.EqualTo((1, true)), "the exchange is over, its copy is not");
        copy.SetResult(CallResult.Answered(AgentResponse.Allow));
        await IsReleasedAsync(_a, exchange);
    }

    /// <summary>Many exchanges on three connections, whose calls end in every way, at once and later, while connections die.</summary>
    [Test]
    public async Task ManyExchanges_EachConnectionIsToldOfEachOnce([Range(1, 4)] int seed)
    {
        const int Exchanges = 300;
        var random = new Random(seed);
        var on = new ConcurrentDictionary<(string Connection, CorrelationId Exchange), int>();
        FakeConnection[] connections = [_a, _b, new FakeConnection("c", maxInFlight: 1000)];
        foreach (var connection in connections)
        {
            connection.AnswerLater = async (message, _) =>
            {
                int roll;
                lock (random)
                {
                    roll = random.Next(100);
                }

                // The end of an exchange would be told again until the time is up, and it stands still.
                if (roll < 5 && message is not RequestCompleteEvent)
                {
                    return CallResult.Failed(CallOutcome.NoRoom, "at once");
                }

                Assert.That(connection.Released.Any(released => released.Exchange == message.CorrelationId), Is.False, "a call after the end");
                on.AddOrUpdate((connection.Id, message.CorrelationId), 1, static (_, count) => count + 1);
                if (roll % 2 == 0)
                {
                    await Task.Yield();
                }

                // Few failures in a row, or all connections would be ejected.
                return roll switch
                {
                    >= 5 and < 9 => CallResult.Failed((CallOutcome)(roll - 4), "as rolled"),
                    < 15 => CallResult.Answered(new AgentResponse { Decision = new BlockDecision() }),
                    _ => CallResult.Answered(AgentResponse.Allow),
                };
            };
        }

        var inspector = await InspectorAsync(connections);
        await Task.WhenAll(Enumerable.Range(0, Exchanges).Select(i => Task.Run(async () =>
        {
            var exchange = inspector.Begin("l", null, "/", "GET");
            await inspector.InspectAsync(exchange, Events.Request("x"), inspector.DeadlineIn(TimeSpan.FromSeconds(1)));
            if (i % 3 == 0)
            {
                await inspector.InspectAsync(exchange, Events.Response("x"), inspector.DeadlineIn(TimeSpan.FromSeconds(1)));
            }

            if (i == Exchanges / 2)
            {
                _b.Abort("crash");
            }

            inspector.End(exchange);
        }))).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        await _daemon.Background.DisposeAsync().AsTask().WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        var told = connections.SelectMany(static connection => connection.Released.Select(released => (connection.Id, released.Exchange))).ToList();
        Assert.That(told, Is.Unique);
        Assert.That(told, Is.SupersetOf(on.Keys), "none is forgotten");
        Assert.That(on, Has.Count.GreaterThan(Exchanges / 2));
    }

    private static async Task IsReleasedAsync(FakeConnection connection, Exchange exchange)
    {
        await Eventually.TrueAsync(() => !connection.Released.IsEmpty, ScriptedAgent.Limit, $"{connection.Id} to be told");
        Assert.That(connection.Released, Is.EqualTo(new[] { (exchange.Id, connection.Asked.Count) }), "once, behind everything it was asked");
    }

    private static async Task<Exchange> InspectAsync(Inspector inspector)
    {
        var exchange = inspector.Begin("l", null, "/", "GET");
        await inspector.InspectAsync(exchange, Events.Request("x"), inspector.DeadlineIn(TimeSpan.FromSeconds(1)));
        return exchange;
    }

    private Task<Inspector> InspectorAsync(params FakeConnection[] connections) => InspectorAsync([Agent("a", connections)]);

    private async Task<Inspector> InspectorAsync(PlayedAgent[] agents)
    {
        _daemon = new PlayedDaemon(_sums.Factory, _clock, [agents]);
        await _daemon.ConnectAsync();
        return _daemon.Inspector;
    }

    private static PlayedAgent Agent(string id, FakeConnection[] connections, EventSet? events = null, AgentMode mode = AgentMode.Enforce)
    {
        var policy = LambdaAgent.PolicyOf(FailureMode.Open) with { Events = events, Mode = mode };
        return new PlayedAgent(id, policy, number => connections.ElementAtOrDefault(number - 1)) { Connections = connections.Length };
    }
}
