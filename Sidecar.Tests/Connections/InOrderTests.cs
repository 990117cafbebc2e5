using NUnit.Framework;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections;

/// <summary>An agent that answers in order, one call at a time, and names no exchange (spec §11.3).</summary>
public sealed class InOrderTests
{
    private static readonly AgentResponse Block = new() { Decision = new BlockDecision() };

    [Test]
    public async Task AnswersWithoutIds_BelongToTheCallsInTheirOrder()
    {
        await using var both = await OpenAsync();
        for (var exchange = 1; exchange <= 3; exchange++)
        {
            var call = both.Call(TestEvents.Headers(exchange));
            await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync(), exchange == 2 ? Block : null);
            Assert.That((await call).Response!.Decision, Is.EqualTo(exchange == 2 ? Block.Decision : Decision.Allow));
        }

        Assert.That((both.Connection.Stats.InFlight, both.Connection.IsOpen), Is.EqualTo((0, true)));
    }

    [Test]
    public async Task OneCallAtATime_WhateverTheAgentSays()
    {
        await using var both = await OpenAsync();
        Assert.That(
            both.Connection.Traits, Is.EqualTo(both.Connection.Traits with { MaxInFlight = 1, IsConcurrent = false, CanCancel = false, CanPing = false }));
        var first = both.Call(TestEvents.Headers(1));
        Assert.That((await both.Call(TestEvents.Headers(2))).Outcome, Is.EqualTo(CallOutcome.NoRoom));
        await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
        await first;
    }

    [Test]
    public async Task CancelAndPing_SendNothing()
    {
        await using var both = await OpenAsync();
        var call = both.Call(TestEvents.Headers(1));
        await both.Agent.ReceiveEventAsync();
        both.Connection.Cancel(TestEvents.Id(1), CancelReason.ClientDisconnect);
        both.Connection.Ping();
        Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.Cancelled));
        Assert.That((both.Connection.Stats.Owed, both.Agent.Waiting), Is.EqualTo((1, 0)));
    }

    [TestCase(0)]
    [TestCase(1)]
    public async Task AnswerThatNobodyAskedFor_EndsTheConnection(int answered)
    {
        await using var both = await OpenAsync();
        for (var exchange = 1; exchange <= answered; exchange++)
        {
            var call = both.Call(TestEvents.Headers(exchange));
            await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
            await call;
        }

        await both.Agent.AnswerAsync(TestEvents.Headers(1));
        Assert.That(await both.Connection.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Does.Contain("out of step"));
        Assert.That((await both.Call(TestEvents.Headers(7))).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
    }

    [Test]
    public async Task AnswerThatNamesAnotherExchange_EndsTheConnectionAndItsCall()
    {
        await using var both = await OpenAsync();
        var call = both.Call(TestEvents.Headers(1));
        await both.Agent.ReceiveEventAsync();
        await both.Agent.AnswerAsync(TestEvents.Id(2));
        Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
        Assert.That(await both.Connection.Ended.WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Does.Contain("out of step"));
    }

    [Test]
    public async Task Garbage_IsTheAnswerOfTheCallThatWaits()
    {
        await using var both = await OpenAsync();
        var call = both.Call(TestEvents.Headers(1));
        await both.Agent.ReceiveEventAsync();
        await both.Agent.AnswerGarbageAsync();
        Assert.That((await call).Outcome, Is.EqualTo(CallOutcome.BadAnswer));
        Assert.That((both.Connection.Stats.InFlight, both.Connection.IsOpen), Is.EqualTo((0, true)));
    }

    private static Task<ConnectedAgent> OpenAsync() => ConnectedAgent.OpenAsync(matching: AnswerMatching.InOrder);
}
