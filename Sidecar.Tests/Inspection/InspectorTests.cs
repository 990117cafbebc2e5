using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>What no front end can cause from outside: defects below, and events at the wrong time.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class InspectorTests : IAsyncDisposable
{
    private readonly MetricSums _sums = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLoggers _logs = new();
    private PlayedDaemon? _daemon;

    private static AgentPolicy Policy => LambdaAgent.PolicyOf(Daemon.Configuration.FailureMode.Open);

    public async ValueTask DisposeAsync()
    {
        await (_daemon?.DisposeAsync() ?? default);
        _sums.Dispose();
    }

    [TestCase(1)]
    [TestCase(2)]
    public async Task DefectBelow_RefusesTheEventAndKeepsTheAccount(int agents)
    {
        static FakeConnection Broken(int _) => new("broken") { Answer = static _ => throw new InvalidOperationException("a defect") };
        var inspector = await ConnectedAsync([.. Enumerable.Range(0, agents).Select(static i => new PlayedAgent($"a{i}", Policy, Broken))]);
        var exchange = inspector.Begin("l", null, "/", "GET");
        var verdict = await inspector.InspectAsync(exchange, Events.Request("x"), inspector.DeadlineIn(TimeSpan.FromSeconds(1)));
        Assert.That(exchange.IsBusy, Is.False);
        inspector.End(exchange);

        Assert.That((verdict.Kind, verdict.Cause), Is.EqualTo((VerdictKind.FailedClosed, Cause.Internal)));
        Assert.That(_sums.Of("exchanges"), Is.EqualTo(new[] { "l|r|refused|internal=1" }));
        Assert.That(_sums.Of("verdicts"), Is.EqualTo(new[] { "r|failed-closed=1" }));
        Assert.That(_logs.Of<Inspector>().Single().Exception, Is.TypeOf<InvalidOperationException>());
    }

    // The first version is the agent itself to whoever reads the log.
    [TestCase("1", "a")]
    [TestCase("2", "a/2")]
    public async Task WrongAnswer_IsLoggedWithTheVersionThatGaveIt(string version, string name)
    {
        var wrong = AgentResponse.Allow with { RequestHeaders = [HeaderOperation.Set("bad name", "x")] };
        var agent = new PlayedAgent("a", Policy, _ => new FakeConnection("c") { Answer = _ => CallResult.Answered(wrong) }) { Version = version };
        var inspector = await ConnectedAsync(agent);
        var exchange = inspector.Begin("l", null, "/", "GET");
        await inspector.InspectAsync(exchange, Events.Request("x"), inspector.DeadlineIn(TimeSpan.FromSeconds(1)));
        inspector.End(exchange);

        Assert.That(_logs.Of<Inspector>().Single().Message, Does.StartWith($"an answer of agent {name} is not applied"));
        Assert.That(_sums.Sum("agent.calls", ("agent", "a"), ("version", version), ("event", "request_headers"), ("outcome", "BadAnswer")), Is.EqualTo(1));
    }

    [Test]
    public async Task EventAfterTheEnd_IsRefusedAndTheAccountStands()
    {
        var inspector = Inspector();
        var exchange = inspector.Begin("l", null, "/", "GET");
        inspector.End(exchange);
        inspector.End(exchange);
        var verdict = await inspector.InspectAsync(exchange, Events.Request("x"), 0);
        Assert.That((verdict.Kind, verdict.Cause), Is.EqualTo((VerdictKind.FailedClosed, Cause.ExchangeUnknown)));
        Assert.That(_sums.Of("exchanges"), Is.EqualTo(new[] { "l|r|not-subject|none=1" }));
        Assert.That(_sums.Sum("exchanges.open"), Is.Zero);
    }

    [Test]
    public void ExchangeWithTwoDirections_IsBusyUntilBothAreDone()
    {
        var exchange = Inspector().Begin("l", null, "/", "GET");
        Assert.That(exchange.TryEnter() && exchange.TryEnter(), Is.True);
        Assert.That(exchange.Leave(), Is.False);
        Assert.That(exchange.IsBusy, Is.True);
        Assert.That(exchange.TryEnd(null), Is.False, "the last event accounts");
        Assert.That(exchange.TryEnter(), Is.False);
        Assert.That(exchange.Leave(), Is.True);
        Assert.That(exchange.IsBusy, Is.False);
        Assert.That(exchange.TryEnd(null), Is.False, "only once");
    }

    [Test]
    public void Abandonment_LastsUntilTheNextEvent()
    {
        var exchange = Inspector().Begin("l", null, "/", "GET");
        exchange.TryEnter();
        exchange.Abandon(Cause.ClientGone, CancelReason.ClientDisconnect);
        exchange.Abandon(Cause.Shutdown, CancelReason.ProxyShutdown);
        Assert.That(exchange.AbandonedFor, Is.EqualTo(Cause.ClientGone), "the first reason stands");
        exchange.Leave();
        exchange.TryEnter();
        Assert.That(exchange.AbandonedFor, Is.EqualTo(Cause.None));
        Assert.That(exchange.Account(), Is.EqualTo(new LedgerEntry(LedgerState.Abandoned, Cause.ClientGone)), "the account does not forget");
    }

    [Test]
    public void ClosedDirectory_TakesNothingMore()
    {
        var inspector = Inspector();
        var directory = new ExchangeDirectory<JoinedExchange>(inspector);
        var exchange = inspector.Begin("l", null, "/", "GET");
        Assert.That(directory.TryAdd(CorrelationId.Parse("x"), new JoinedExchange(exchange)), Is.True);
        directory.Dispose();
        Assert.That(directory.Count, Is.Zero);
        Assert.That(directory.TryAdd(CorrelationId.Parse("y"), new JoinedExchange(inspector.Begin("l", null, "/", "GET"))), Is.False);
        Assert.That(_sums.Sum("exchanges"), Is.EqualTo(1));
        Assert.That(_clock.ActiveTimers, Is.Zero);
    }

    [Test]
    public void LogPace_LetsOneLineAMinuteThroughAndCountsTheRest()
    {
        var pace = new LogThrottle(_clock);
        Assert.That(pace.MayLog("a", out _), Is.True);
        Assert.That(pace.MayLog("a", out _) || pace.MayLog("a", out _), Is.False);
        Assert.That(pace.MayLog("b", out _), Is.True, "each agent has its own");
        _clock.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1));
        Assert.That(pace.MayLog("a", out _), Is.False);
        _clock.AdvanceTicks(1);
        Assert.That(pace.MayLog("a", out var leftOut), Is.True);
        Assert.That(leftOut, Is.EqualTo(3));
    }

    private Inspector Inspector(params PlayedAgent[] agents) => (_daemon = new PlayedDaemon(_sums.Factory, _clock, [agents], loggers: _logs)).Inspector;

    private async Task<Inspector> ConnectedAsync(params PlayedAgent[] agents)
    {
        var inspector = Inspector(agents);
        await _daemon!.ConnectAsync();
        return inspector;
    }
}
