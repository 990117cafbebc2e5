using NUnit.Framework;
using Sidecar.Daemon.Agents.Config;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents.Config;

/// <summary>Configuration pushes by the rules of spec §9.9: they reach the agent, and each is counted.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ConfigPusherTests : IDisposable
{
    private static readonly CallResult Silence = CallResult.Failed(CallOutcome.TimedOut, "no answer before the deadline");
    private static readonly CallResult No = CallResult.Answered(new AgentResponse { Decision = new BlockDecision(500) { Body = "unknown key" } });

    private readonly PushRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Test]
    public async Task EveryConnectionIsAsked_AndTheNewConfigurationCountsFromThenOn()
    {
        var (a, b) = (PushRig.Able("a"), PushRig.Able("b"));
        var agent = await _rig.AgentAsync("1", a, b);
        var end = await _rig.EndedAsync(_rig.Push(agent, "2"));

        Assert.That((end.Id, end.State, end.Attempts, end.Accepted, end.Reason), Is.EqualTo(("push-1", ConfigPushState.Acknowledged, 1, 2, (string?)null)));
        Assert.That((PushRig.Sent(a), PushRig.Sent(b)), Is.EqualTo((new[] { "2" }, new[] { "2" })));
        Assert.That(agent.Configuration.Current.Value.ToString(), Is.EqualTo("2"));
        Assert.That(a.Asked.OfType<ConfigureEvent>().Single().ConfigVersion, Does.EndWith("-push-1").And.Not.EqualTo("push-1"));
        Assert.That(_rig.Sums.Of("agent.config.pushes"), Is.EqualTo(new[] { "waf|acknowledged=1" }));
        Assert.That(_rig.Pusher.Find("push-1"), Is.EqualTo(end));
    }

    [Test]
    public async Task ARefusal_MeetsOneConnectionAndChangesNothing()
    {
        var (a, b) = (PushRig.Able("a"), PushRig.Able("b"));
        a.Answer = b.Answer = _ => No;
        var agent = await _rig.AgentAsync("1", a, b);
        var end = await _rig.EndedAsync(_rig.Push(agent, "2"));

        Assert.That((end.State, end.Attempts), Is.EqualTo((ConfigPushState.Failed, 1)), "asking again would not change its mind");
        Assert.That(end.Reason, Does.Contain("unknown key"));
        Assert.That(a.Asked.Count + b.Asked.Count, Is.EqualTo(1));
        Assert.That(agent.Configuration.Current.Value.ToString(), Is.EqualTo("1"));
    }

    // Where the end of the connection is the refusal, it must be none with calls on it: one push refused lost four connections and a request.
    [Test]
    public async Task WhereARefusalCostsAConnection_ItIsTriedOnANewOneFirst_AndARefusalThereIsTheEnd()
    {
        var tried = new List<string>();
        var trial = new Pooling.FakeConnection("trial");
        _rig.Trial = value =>
        {
            tried.Add(value.Value.ToString()!);
            return value.Value.ToString() == "2"
                ? throw new AgentUnreachableException("waf: the agent ended the stream", DialProblemException.Error(DialProblem.ConfigurationRefused, "ended"))
                : trial;
        };
        var (a, b) = (PushRig.Able("a"), PushRig.Able("b"));
        var agent = await _rig.AgentAsync("1", a, b);
        var refused = await _rig.EndedAsync(_rig.Push(agent, "2"));
        Assert.That((refused.State, refused.Attempts, refused.Reason), Is.EqualTo((ConfigPushState.Failed, 1, "a connection to try it on: waf: the agent ended the stream")));
        Assert.That((a.Asked.Count + b.Asked.Count, a.IsOpen && b.IsOpen), Is.EqualTo((0, true)));
        Assert.That(agent.Configuration.Current.Value.ToString(), Is.EqualTo("1"));

        var accepted = await _rig.EndedAsync(_rig.Push(agent, "3"));
        Assert.That((accepted.State, accepted.Accepted), Is.EqualTo((ConfigPushState.Acknowledged, 2)));
        Assert.That((PushRig.Sent(a), PushRig.Sent(b)), Is.EqualTo((new[] { "3" }, new[] { "3" })));
        Assert.That(trial.IsOpen, Is.False, "it has done its work");
        Assert.That(tried, Is.EqualTo(new[] { "2", "3" }));
    }

    [Test]
    public async Task ATrialThatDoesNotComeAbout_IsNoRefusal()
    {
        _rig.Trial = static _ => throw new AgentUnreachableException("waf cannot be reached", new IOException("reset"));
        var a = PushRig.Able("a");
        var end = await _rig.EndedAsync(_rig.Push(await _rig.AgentAsync("1", a), "2"));
        Assert.That((end.State, end.Attempts, a.Asked.Count), Is.EqualTo((ConfigPushState.Expired, 4, 0)));
    }

    [Test]
    public async Task ARefusalByASecondProcess_TakesItBackFromTheFirst()
    {
        var (a, b) = (PushRig.Able("a"), PushRig.Able("b"));
        b.Answer = _ => No;
        var agent = await _rig.AgentAsync("1", a, b);
        var end = await _rig.EndedAsync(_rig.Push(agent, "2"));

        Assert.That(end.State, Is.EqualTo(ConfigPushState.Failed));
        Assert.That((PushRig.Sent(a), PushRig.Sent(b)), Is.EqualTo((new[] { "2", "1" }, new[] { "2" })));
        Assert.That(agent.Configuration.Current.Value.ToString(), Is.EqualTo("1"));
    }

    [Test]
    public async Task Silence_IsTriedAgainAfterTwoSeconds_AndNotATickBefore_ThreeTimes()
    {
        var a = PushRig.Able("a");
        a.Answer = _ => Silence;
        var agent = await _rig.AgentAsync("1", a);
        var timers = _rig.Clock.ArmedTimers;
        var push = _rig.Push(agent, "2");
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await Eventually.TrueAsync(() => a.Asked.Count == attempt && _rig.Clock.ArmedTimers == timers + 1, ScriptedAgent.Limit, $"attempt {attempt}");
            Assert.That((push.HasEnded, push.Reading.State), Is.EqualTo((false, ConfigPushState.Sent)));
            _rig.Clock.Advance(_rig.Settings.RetryInterval - TimeSpan.FromMilliseconds(1));
            Assert.That(a.Asked, Has.Count.EqualTo(attempt));
            _rig.Clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        await Eventually.TrueAsync(() => push.HasEnded, ScriptedAgent.Limit, "the end");
        Assert.That((push.Reading.State, push.Reading.Attempts), Is.EqualTo((ConfigPushState.Expired, 4)));
        Assert.That(push.Reading.Reason, Does.Contain("no answer before the deadline"));
        Assert.That(a.Asked.Select(static message => message.CorrelationId).Distinct().Count(), Is.EqualTo(4), "an answer to one attempt is not taken for the next one's");
        Assert.That(a.Asked.OfType<ConfigureEvent>().Select(static message => message.ConfigVersion).Distinct().Count(), Is.EqualTo(1), "a repetition can be recognised");
        Assert.That(agent.Configuration.Current.Value.ToString(), Is.EqualTo("1"));
    }

    [Test]
    public async Task EachAttempt_WaitsTenSecondsForAnAnswer()
    {
        var a = PushRig.Able("a");
        var deadline = 0L;
        a.AnswerLater = (_, until) =>
        {
            deadline = until;
            return Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        };
        var agent = await _rig.AgentAsync("1", a);
        var now = _rig.Clock.GetTimestamp();
        var push = _rig.Push(agent, "2");
        await Eventually.TrueAsync(() => push.HasEnded, ScriptedAgent.Limit, "the end of the push");
        Assert.That(_rig.Clock.GetElapsedTime(now, deadline), Is.EqualTo(TimeSpan.FromSeconds(10)).Within(TimeSpan.FromMilliseconds(1)));
    }

    // The reference expired a push without the last attempt's time for an answer.
    [Test]
    public async Task Defect32_EveryAttempt_TheLastToo_HasItsWholeTimeForAnAnswer()
    {
        var a = PushRig.Able("a");
        var given = new List<TimeSpan>();
        a.AnswerLater = (_, until) =>
        {
            given.Add(_rig.Clock.GetElapsedTime(_rig.Clock.GetTimestamp(), until));
            return Task.FromResult(Silence);
        };
        var end = await _rig.EndedAsync(_rig.Push(await _rig.AgentAsync("1", a), "2"));
        Assert.That((end.State, given.Count), Is.EqualTo((ConfigPushState.Expired, 4)));
        Assert.That(given, Is.All.EqualTo(TimeSpan.FromSeconds(10)).Within(TimeSpan.FromMilliseconds(1)));
    }

    // The reference took two locks in one order to push and in the other to acknowledge.
    [Test]
    public async Task Defect32_PushesAnswersAndLooksAtTheSameTime_NeverWaitForEachOther()
    {
        var agents = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => _rig.AgentAsync("0", PushRig.Able($"c{i}"))));
        var pushes = await Task.WhenAll(Enumerable.Range(0, 80).Select(i => Task.Run(() =>
        {
            _ = _rig.Pusher.List();
            return _rig.Push(agents[i % 4], $"{i}");
        }))).WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        await Eventually.TrueAsync(() => Array.TrueForAll(pushes, static push => push.HasEnded), ScriptedAgent.Limit, "the end of all");
        Assert.That(pushes.Select(static push => push.Reading.State), Is.All.EqualTo(ConfigPushState.Acknowledged));
        Assert.That(pushes.Select(static push => push.Reading.Id), Is.Unique);
    }

    [Test]
    public async Task ACrashUnderThePush_IsTriedAgain()
    {
        var a = PushRig.Able("a");
        var answers = new Queue<CallResult>([CallResult.Failed(CallOutcome.ConnectionLost, "reset"), CallResult.Answered(AgentResponse.Allow)]);
        a.Answer = _ => answers.Dequeue();
        var end = await _rig.EndedAsync(_rig.Push(await _rig.AgentAsync("1", a), "2"));
        Assert.That((end.State, end.Attempts), Is.EqualTo((ConfigPushState.Acknowledged, 2)));
    }

    [Test]
    public async Task AConnectionWithoutASlot_IsWaitedForWithinTheAttempt()
    {
        var a = PushRig.Able("a");
        var answers = new Queue<CallResult>(
            [CallResult.Failed(CallOutcome.NoRoom, "full"), CallResult.Failed(CallOutcome.NoRoom, "full"), CallResult.Answered(AgentResponse.Allow)]);
        a.Answer = _ => answers.Dequeue();
        var end = await _rig.EndedAsync(_rig.Push(await _rig.AgentAsync("1", a), "2"));
        Assert.That((end.State, end.Attempts), Is.EqualTo((ConfigPushState.Acknowledged, 1)));
    }

    // Agents on published SDKs leave the feature unstated and take configurations all the same.
    [Test]
    public async Task AnAgentThatDoesNotStateThatItTakesPushes_IsSentThem_AndTheReadingSaysWhatItsWordIsWorth()
    {
        var a = new Pooling.FakeConnection("a");
        var agent = await _rig.AgentAsync("1", a);
        var end = await _rig.EndedAsync(_rig.Push(agent, "2"));
        Assert.That((end.State, end.Attempts, end.Accepted, PushRig.Sent(a)), Is.EqualTo((ConfigPushState.Acknowledged, 1, 1, new[] { "2" })));
        Assert.That(end.Reason, Does.StartWith("accepted, though the agent does not state the feature config_push"));

        agent.Configuration.Replace(new ConfigurationValue(PushRig.Json("3"), "x-push-2"));
        _rig.Pusher.OnConnected(agent, agent.Current.Pool.Live[0]);
        await Eventually.TrueAsync(() => agent.Configuration.WasGiven(a, agent.Configuration.Current), ScriptedAgent.Limit, "what came while it connected");
    }

    [Test]
    public async Task AnAbsentAgent_IsLookedForInEachAttempt()
    {
        var end = await _rig.EndedAsync(_rig.Push(await _rig.AgentAsync("1"), "2"));
        Assert.That((end.State, end.Attempts), Is.EqualTo((ConfigPushState.Expired, 4)));
        Assert.That(end.Reason, Does.Contain("no connection"));
    }

    [Test]
    public async Task PushesToOneAgent_GoOneAfterTheOther_AndTheLastOneCounts()
    {
        var a = PushRig.Able("a");
        var first = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.AnswerLater = (_, _) => a.Asked.Count == 1 ? first.Task : Task.FromResult(CallResult.Answered(AgentResponse.Allow));
        var agent = await _rig.AgentAsync("1", a);
        var pushes = new[] { _rig.Push(agent, "2"), _rig.Push(agent, "3") };
        await Eventually.TrueAsync(() => a.Asked.Count == 1, ScriptedAgent.Limit, "the first push");
        Assert.That(_rig.Pusher.List().Select(static push => push.State), Is.EqualTo(new[] { ConfigPushState.Sent, ConfigPushState.Pending }));
        first.SetResult(CallResult.Answered(AgentResponse.Allow));
        await Eventually.TrueAsync(() => Array.TrueForAll(pushes, static push => push.HasEnded), ScriptedAgent.Limit, "both");
        Assert.That(PushRig.Sent(a), Is.EqualTo(new[] { "2", "3" }));
        Assert.That(agent.Configuration.Current.Value.ToString(), Is.EqualTo("3"));
    }

    [Test]
    public async Task Defect32_PushesThatWait_AreBounded_AndTheErrorNamesTheLimit()
    {
        using var rig = new PushRig(new ConfigPushSettings { MaxPending = 2 });
        var a = PushRig.Able("a");
        var answer = new TaskCompletionSource<CallResult>();
        a.AnswerLater = (_, _) => answer.Task;
        var agent = await rig.AgentAsync("1", a);
        rig.Push(agent, "2");
        rig.Push(agent, "3");
        Assert.That(rig.Pusher.Start(agent, PushRig.Json("4"), out var error), Is.Null);
        Assert.That(error, Does.StartWith("2 configuration pushes to agent waf wait already, which is the limit"));
        answer.SetResult(CallResult.Answered(AgentResponse.Allow));
    }

    [Test]
    public async Task EndedPushes_AreForgottenByNumberAndAge()
    {
        using var rig = new PushRig(new ConfigPushSettings { MaxEnded = 2 });
        var agent = await rig.AgentAsync("1", PushRig.Able("a"));
        for (var i = 0; i < 5; i++)
        {
            await rig.EndedAsync(rig.Push(agent, $"{i}"));
        }

        Assert.That(rig.Pusher.List().Select(static push => push.Id), Is.EqualTo(new[] { "push-4", "push-5" }));
        rig.Clock.Advance(rig.Settings.KeepEnded + TimeSpan.FromMilliseconds(1));
        Assert.That(rig.Pusher.List(), Is.Empty);
    }

    [Test]
    public async Task AConnectionThatWasGivenAnOlderOne_IsGivenTheNewOne()
    {
        var a = PushRig.Able("a");
        var agent = await _rig.AgentAsync("1", a);
        agent.Configuration.Replace(new ConfigurationValue(PushRig.Json("2"), "x-push-1"));
        _rig.Pusher.OnConnected(agent, agent.Current.Pool.Live[0]);
        await Eventually.TrueAsync(() => agent.Configuration.WasGiven(a, agent.Configuration.Current), ScriptedAgent.Limit, "the new one");
        _rig.Pusher.OnConnected(agent, agent.Current.Pool.Live[0]);
        await _rig.Pusher.DisposeAsync();
        Assert.That(PushRig.Sent(a), Is.EqualTo(new[] { "2" }), "once");
    }

    [Test]
    public async Task Stopping_CancelsWhatIsUnderWay()
    {
        var a = PushRig.Able("a");
        var call = new TaskCompletionSource<CallResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.AnswerLater = (_, _) => call.Task;
        var agent = await _rig.AgentAsync("1", a);
        var push = _rig.Push(agent, "2");
        await Eventually.TrueAsync(() => a.Asked.Count == 1, ScriptedAgent.Limit, "the push");
        var stopping = _rig.Pusher.DisposeAsync().AsTask();
        await Eventually.TrueAsync(() => a.Cancels.Contains(CancelReason.ProxyShutdown), ScriptedAgent.Limit, "the cancel");
        call.SetResult(CallResult.Failed(CallOutcome.Cancelled, "ProxyShutdown"));
        await stopping.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        Assert.That(push.Reading.State, Is.EqualTo(ConfigPushState.Expired));
        Assert.That(_rig.Pusher.Start(agent, PushRig.Json("3"), out var error), Is.Null);
        Assert.That(error, Is.EqualTo("the daemon stops"));
    }
}
