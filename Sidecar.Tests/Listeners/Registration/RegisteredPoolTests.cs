using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Pooling;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Listeners.Registration;

/// <summary>The pool of an agent that dials in: fed by registrations, otherwise like any other.</summary>
public sealed class RegisteredPoolTests
{
    [Test]
    public async Task AgentThatRegisters_BringsThePoolAlive_AndAnswers()
    {
        await using var rig = new ReverseRig();
        await using var pool = Pool(rig);
        pool.Start();
        Assert.That(
            (pool.IsAvailable, pool.Select(null, out var reason), reason.Outcome), Is.EqualTo((false, (PooledConnection?)null, CallOutcome.NoConnection)));
        var (agent, response) = await DialInAsync(rig);
        await Eventually.TrueAsync(() => pool.IsAvailable, ScriptedAgent.Limit, "a connection");
        var connection = pool.Live.Single().Connection;
        Assert.That((connection.Id, connection.Encoding), Is.EqualTo((response.ConnectionId, ProtocolConstants.Json)));
        Assert.That((connection.Traits.MaxInFlight, connection.Traits.Events, connection.Capabilities.Name), Is.EqualTo((256, EventSet.All, "Scripted")));

        var call = connection.CallAsync(TestEvents.Headers(1), long.MaxValue).AsTask();
        var asked = await agent.ReceiveEventAsync();
        await agent.AnswerAsync(asked, new AgentResponse { Decision = new BlockDecision(418) });
        Assert.That(((BlockDecision)(await call.WaitAsync(ScriptedAgent.Limit)).Response!.Decision).Status, Is.EqualTo(418));
        await agent.DisposeAsync();
    }

    [Test]
    public async Task Defect36_DroppedConnection_FailsItsCallsAtOnce_LeavesThePool_AndItsPlaceIsFree()
    {
        await using var rig = new ReverseRig(limit: 1);
        await using var pool = Pool(rig);
        pool.Start();
        for (var round = 0; round < 5; round++)
        {
            var (agent, _) = await DialInAsync(rig);
            await Eventually.TrueAsync(() => pool.IsAvailable, ScriptedAgent.Limit, "a connection");
            var call = pool.Live.Single().Connection.CallAsync(TestEvents.Headers(1), long.MaxValue).AsTask();
            await agent.ReceiveEventAsync();
            agent.Vanish();
            Assert.That((await call.WaitAsync(ScriptedAgent.Limit)).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
            await Eventually.TrueAsync(() => pool.Live.Count == 0 && rig.Waf.Count == 0, ScriptedAgent.Limit, "the dead to be removed");
            await agent.DisposeAsync();
        }
    }

    [Test]
    public async Task Defect40_WhatAnAgentSaysByItself_IsHeard()
    {
        await using var rig = new ReverseRig();
        await using var pool = Pool(rig);
        pool.Start();
        var (agent, _) = await DialInAsync(rig);
        await agent.SendFlowControlAsync(FlowAction.Pause);
        await agent.SendHealthAsync(new HealthStatus { AgentId = "waf", State = HealthState.Degraded });
        await Eventually.TrueAsync(
            () => pool.Live is [{ IsPaused: true, Health: HealthState.Degraded }], ScriptedAgent.Limit, "pause and health");
        await agent.DisposeAsync();
    }

    [Test]
    public async Task Defect40_GuardrailsAndBodies_AreAskedOnRegisteredConnectionsToo()
    {
        await using var rig = new ReverseRig();
        await using var pool = Pool(rig);
        pool.Start();
        var (agent, _) = await DialInAsync(rig);
        await Eventually.TrueAsync(() => pool.IsAvailable, ScriptedAgent.Limit, "a connection");
        var connection = pool.Live.Single().Connection;
        var finding = new GuardrailResponse { Detected = true, Detections = [new GuardrailDetection { Category = "ssn" }] };
        AgentEvent[] events = [Events.Guardrail("unused", "text") with { CorrelationId = TestEvents.Id(1) }, TestEvents.Chunk(2), TestEvents.Complete(3)];
        foreach (var message in events)
        {
            var call = connection.CallAsync(message, long.MaxValue).AsTask();
            var asked = await agent.ReceiveEventAsync();
            Assert.That(asked.Type, Is.EqualTo(message.Type));
            await agent.AnswerAsync(asked, message is GuardrailInspectEvent ? AgentResponse.Allow with { Guardrail = finding } : AgentResponse.Allow);
            var result = await call.WaitAsync(ScriptedAgent.Limit);
            Assert.That(result.Response!.Guardrail?.Detections.Single().Category, Is.EqualTo(message is GuardrailInspectEvent ? "ssn" : null));
        }

        await agent.DisposeAsync();
    }

    [Test]
    public async Task Defect37_FirstRegistrationsAtTheSameTime_AreAllInThePool()
    {
        await using var rig = new ReverseRig(limit: 4);
        await using var pool = Pool(rig);
        pool.Start();
        var agents = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => DialInAsync(rig))));
        await Eventually.TrueAsync(() => pool.Live.Count == 4, ScriptedAgent.Limit, "every connection");
        Assert.That(pool.Live.Select(static live => live.Connection.Id), Is.EquivalentTo(agents.Select(static one => one.Response.ConnectionId)));
        foreach (var (agent, _) in agents)
        {
            await agent.DisposeAsync();
        }
    }

    [Test]
    public async Task IdleConnection_IsPinged_AndReplacedWhenItStaysSilent()
    {
        await using var rig = new ReverseRig(limit: 1);
        await using var pool = Pool(rig);
        pool.Start();
        var (agent, _) = await DialInAsync(rig);
        await Eventually.TrueAsync(() => pool.IsAvailable && rig.Listener.Unregistered == 0, ScriptedAgent.Limit, "a connection, and no deadline of its registration");
        for (var look = 0; look < 3; look++)
        {
            await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, ScriptedAgent.Limit, "the next look at the connection");
            rig.Time.Advance(TimeSpan.FromSeconds(10));
            if (look < 2)
            {
                Assert.That((await agent.ReceiveAsync()).Type, Is.EqualTo(MessageType.Ping));
            }
        }

        await Eventually.TrueAsync(() => pool.Live.Count == 0, ScriptedAgent.Limit, "the end of the silent connection");
        await agent.Closed;
        await agent.DisposeAsync();
    }

    [Test]
    public async Task Configuration_IsPushedBeforeAnyEvent_AndItsRefusalEndsTheConnection([Values] bool isAccepted)
    {
        using var directory = new TempDirectory();
        var settings = new Sidecar.Tests.Connections.ConnectedAgent().Settings with
        {
            ConnectTimeout = ScriptedAgent.Limit,
            Configuration = JsonElement.Parse("""{"level":3}"""),
        };
        using var source = new RegisteredConnections(settings, 1, TimeProvider.System, new FakeLogger());
        var (near, far) = await PairAsync(directory);
        await using var agent = new ScriptedAgent(far);
        var slot = source.TryReserve(int.MaxValue)!;
        Assert.That(source.TryHand(new PendingRegistration("waf-1", near, ScriptedAgent.Capable(), slot)), Is.True);
        var dialling = source.DialAsync(new RecordingSink(), CancellationToken.None);
        var configure = await agent.ReceiveEventAsync<ConfigureEvent>();
        Assert.That(configure.Config!.Value.GetRawText(), Is.EqualTo("""{"level":3}"""));
        await agent.AnswerAsync(configure, isAccepted ? AgentResponse.Allow : new AgentResponse { Decision = new BlockDecision(400) { Body = "no such level" } });
        if (isAccepted)
        {
            await (await dialling.WaitAsync(ScriptedAgent.Limit)).DisposeAsync();
        }
        else
        {
            Assert.That(async () => await dialling.WaitAsync(ScriptedAgent.Limit), Throws.InstanceOf<AgentUnreachableException>().With.Message.Contains("no such level"));
        }

        await agent.Closed;
        await Eventually.TrueAsync(() => source.Count == 0, ScriptedAgent.Limit, "its place to be free");
    }

    [Test]
    public async Task AgentThatNeverRegisters_IsReportedAfterTheConnectTimeout_NotATickBefore()
    {
        await using var rig = new ReverseRig();
        var dialling = rig.Waf.DialAsync(new RecordingSink(), CancellationToken.None);
        rig.Time.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.That(dialling.IsCompleted, Is.False);
        rig.Time.AdvanceTicks(1);
        Assert.That(async () => await dialling.WaitAsync(ScriptedAgent.Limit), Throws.InstanceOf<AgentUnreachableException>().With.Message.Contains("has not registered within 5 s"));
    }

    [Test]
    public async Task PlaceThatStaysEmpty_IsNoFailureWhileTheAgentIsThere()
    {
        await using var rig = new ReverseRig();
        using var slot = rig.Waf.TryReserve(int.MaxValue);
        using var stop = new CancellationTokenSource();
        var dialling = rig.Waf.DialAsync(new RecordingSink(), stop.Token);
        for (var i = 0; i < 3; i++)
        {
            await Eventually.TrueAsync(() => rig.Time.ArmedTimers == 1, ScriptedAgent.Limit, "the next wait");
            rig.Time.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.That(dialling.IsCompleted, Is.False);
        await stop.CancelAsync();
        Assert.That(async () => await dialling.WaitAsync(ScriptedAgent.Limit, CancellationToken.None), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Pool_NeverPausesBeforeItTakesTheNext()
    {
        await using var rig = new ReverseRig(limit: 1);

        // The clock stands still, so a pause would never end.
        await using var pool = Pool(rig);
        pool.Start();
        for (var i = 0; i < 3; i++)
        {
            var (agent, _) = await DialInAsync(rig);
            await Eventually.TrueAsync(() => pool.IsAvailable, ScriptedAgent.Limit, "a connection");
            await agent.DisposeAsync();
            await Eventually.TrueAsync(() => pool.Live.Count == 0 && rig.Waf.Count == 0, ScriptedAgent.Limit, "its end");
        }
    }

    [Test]
    public async Task Dispose_ClosesWhatWasNotTaken()
    {
        await using var rig = new ReverseRig();
        var (peer, _) = await rig.RegisterAsync();
        await rig.OutcomeAsync("accepted=1");
        rig.Waf.Dispose();
        await peer.AssertClosedAsync();
        Assert.That(rig.Waf.Count, Is.Zero);
        peer.Dispose();
    }

    [Test]
    public void Place_IsGivenBackOnce()
    {
        using var source = new RegisteredConnections(new Sidecar.Tests.Connections.ConnectedAgent().Settings, 2, TimeProvider.System, new FakeLogger());
        var (first, second) = (source.TryReserve(2)!, source.TryReserve(2)!);
        Assert.That(source.TryReserve(2), Is.Null);
        first.Dispose();
        first.Dispose();
        Assert.That((source.Count, source.TryReserve(1)), Is.EqualTo((1, (RegistrationSlot?)null)));
        second.Dispose();
        Assert.That(source.Count, Is.Zero);
    }

    private static ConnectionPool Pool(ReverseRig rig) =>
        new(PoolTests.Settings(rig.Waf.Limit), rig.Waf, new FillThenSpread(), new Random(1), rig.Time, new FakeLogger(rig.Log, "pool"));

    private static async Task<(ScriptedAgent Agent, RegistrationResponse Response)> DialInAsync(ReverseRig rig)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(rig.Path));
        var agent = new ScriptedAgent(socket);
        await agent.SendAsync(MessageType.HandshakeRequest, Sidecar.Tests.Encodings.AnyMessage.Write(MessageEncodings.Json, ReverseRig.Request()));
        var response = HandshakeCodec.ReadRegistrationResponse((await agent.ReceiveAsync(MessageType.HandshakeResponse)).Payload);
        Assert.That(response.Success, Is.True, response.Error);
        return (agent, response);
    }

    private static async Task<(Socket Near, Socket Far)> PairAsync(TempDirectory directory)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.Socket("pair")));
        listener.Listen();
        var far = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await far.ConnectAsync(listener.LocalEndPoint!);
        return (await listener.AcceptAsync(), far);
    }
}
