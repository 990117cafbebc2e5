using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Connections.Calls;

/// <summary>Askers go on upon the loop that reads the answers: what they do there hurts neither it nor each other.</summary>
public sealed class InlineAskerTests
{
    [Test]
    public async Task AnswersOfOneBatch_EachAskingOn_AreAllAnswered()
    {
        const int Calls = 200;
        const int Rounds = 20;
        await using var both = await ConnectedAgent.OpenAsync(maxInFlight: Calls);
        both.Agent.AutoAnswer = static _ => AgentResponse.Allow;
        var askers = Enumerable.Range(1, Calls).Select(async number =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                if (!(await both.Connection.CallAsync(TestEvents.Headers(number), both.In(1000)).ConfigureAwait(false)).IsAnswered)
                {
                    return round;
                }
            }

            return Rounds;
        }).ToArray();
        Assert.That(await Task.WhenAll(askers).WaitAsync(ScriptedAgent.Limit), Is.All.EqualTo(Rounds));
    }

    [Test]
    public async Task AskerThatThrows_CostsNoOtherCallAndNotTheConnection()
    {
        await using var both = await ConnectedAgent.OpenAsync();
#pragma warning disable CA2012 // Its continuation, which fails, is what is tested: nothing else awaits it.
        var failing = both.Connection.CallAsync(TestEvents.Headers(1), both.In(1000)).GetAwaiter();
#pragma warning restore CA2012
        var other = both.Call(TestEvents.Headers(2));
        failing.UnsafeOnCompleted(static () => throw new InvalidOperationException("a defect"));
        await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
        await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
        Assert.That((await other).IsAnswered, Is.True);
        Assert.That(both.Connection.IsOpen, Is.True);
        Assert.That(both.Log.Collector.GetSnapshot().Count(static line => line.Level == LogLevel.Error), Is.EqualTo(1));
        Assert.That(failing.GetResult().IsAnswered, Is.True);
    }

    [Test]
    public async Task AskerThatEndsTheConnection_EndsItOnce()
    {
        await using var both = await ConnectedAgent.OpenAsync();
        var aborting = Task.Run(async () =>
        {
            var result = await both.Connection.CallAsync(TestEvents.Headers(1), both.In(1000)).ConfigureAwait(false);
            both.Connection.Abort("asked to");
            return result;
        });
        await both.Agent.AnswerAsync(await both.Agent.ReceiveEventAsync());
        Assert.That((await aborting.WaitAsync(ScriptedAgent.Limit)).IsAnswered, Is.True);
        Assert.That(await both.Connection.Ended.WaitAsync(ScriptedAgent.Limit), Is.EqualTo("asked to"));
        Assert.That((await both.Call(TestEvents.Headers(2))).Outcome, Is.EqualTo(CallOutcome.ConnectionLost));
    }
}
