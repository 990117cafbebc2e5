using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection;

/// <summary>What front ends are told that the agents still want.</summary>
internal sealed class WantedEventsTests
{
    private static readonly WantedBody Nothing = new(BodyNeed.None, 0);

    [TestCase(EventSet.RequestHeaders, BodyMode.Buffer, false, BodyNeed.None, BodyNeed.None)]
    [TestCase(EventSet.RequestBodyChunk, BodyMode.Buffer, false, BodyNeed.Full, BodyNeed.None)]
    [TestCase(EventSet.RequestBodyChunk, BodyMode.Stream, false, BodyNeed.Stream, BodyNeed.None)]
    [TestCase(EventSet.RequestBodyChunk, BodyMode.Hybrid, false, BodyNeed.Stream, BodyNeed.None)]
    [TestCase(EventSet.ResponseHeaders, BodyMode.Buffer, true, BodyNeed.None, BodyNeed.None)]
    [TestCase(EventSet.ResponseBodyChunk, BodyMode.Buffer, true, BodyNeed.None, BodyNeed.Full)]
    [TestCase(EventSet.All, BodyMode.Stream, true, BodyNeed.Stream, BodyNeed.Stream)]
    public async Task Wants_WhatTheAgentTakes(EventSet supported, BodyMode mode, bool responseHeaders, BodyNeed request, BodyNeed response)
    {
        await using var agent = new LambdaAgent("a") { Supports = supported, Policy = Policy(mode, 1000), MaxBodySize = 500 };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var exchange = await AskedAsync(harness);

        Assert.That(Inspector.Wants(exchange), Is.EqualTo(new WantedEvents(Body(request, 500), responseHeaders, Body(response, 500))));
        harness.Inspector.End(exchange);
    }

    [Test]
    public async Task SeveralAgents_TheStrongerNeedAndTheLargerLimit()
    {
        await using var one = new LambdaAgent("one") { Policy = Policy(BodyMode.Buffer, 10) };
        await using var other = new LambdaAgent("other") { Policy = Policy(BodyMode.Stream, 20) };
        await using var harness = await InspectionHarness.StartAsync(one, other);
        var exchange = await AskedAsync(harness);

        Assert.That(Inspector.Wants(exchange).RequestBody, Is.EqualTo(new WantedBody(BodyNeed.Full, 20)));
        harness.Inspector.End(exchange);
    }

    [Test]
    public async Task AgentThatOnlyWatches_IsContentWithAStream()
    {
        await using var agent = new LambdaAgent("a") { Policy = Policy(BodyMode.Buffer, 10) with { Mode = AgentMode.Monitor } };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var exchange = await AskedAsync(harness);

        Assert.That(Inspector.Wants(exchange), Is.EqualTo(new WantedEvents(new(BodyNeed.Stream, 10), true, new(BodyNeed.Stream, 10))));
        harness.Inspector.End(exchange);
    }

    [Test]
    public async Task AgentThatMissedTheRequest_WantsNothingMore()
    {
        await using var agent = new LambdaAgent("a") { IsAbsent = true, Policy = LambdaAgent.PolicyOf(FailureMode.Open) };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var exchange = harness.Inspector.Begin("test", "example.org", "/", "GET");
        Assert.That(Inspector.Wants(exchange).ResponseHeaders, Is.True, "nobody knows yet that it will not be told");
        await harness.Inspector.InspectAsync(exchange, Events.Request("1"), harness.Inspector.DeadlineIn(TimeSpan.FromMinutes(1)));

        Assert.That(Inspector.Wants(exchange), Is.EqualTo(new WantedEvents(Nothing, false, Nothing)));
        harness.Inspector.End(exchange);
    }

    [Test]
    public async Task AgentThatABodyPassesBy_WantsNoMoreOfIt()
    {
        var policy = Policy(BodyMode.Stream, 4) with { RequestBody = new BodyPolicy { Mode = BodyMode.Stream, MaxBytes = 4, OnExcess = ExcessAction.Partial } };
        await using var agent = new LambdaAgent("a") { Policy = policy };
        await using var harness = await InspectionHarness.StartAsync(agent);
        var exchange = await AskedAsync(harness);
        foreach (var (size, expected) in new[] { (4, BodyNeed.Stream), (1, BodyNeed.None) })
        {
            using var step = await harness.Inspector.PushAsync(
                exchange, Direction.Request, new BodyPiece(new byte[size], BodyEnd.More), harness.Inspector.DeadlineIn(TimeSpan.FromMinutes(1)));
            Assert.That(Inspector.Wants(exchange).RequestBody.Need, Is.EqualTo(expected));
        }

        Assert.That(Inspector.Wants(exchange).ResponseBody.Need, Is.EqualTo(BodyNeed.Stream));
        harness.Inspector.End(exchange);
    }

    private static WantedBody Body(BodyNeed need, long limit) => need == BodyNeed.None ? Nothing : new WantedBody(need, limit);

    private static AgentPolicy Policy(BodyMode mode, long limit) => LambdaAgent.PolicyOf(FailureMode.Closed) with
    {
        RequestBody = new BodyPolicy { Mode = mode, MaxBytes = limit },
        ResponseBody = new BodyPolicy { Mode = mode, MaxBytes = limit },
    };

    private static async Task<Exchange> AskedAsync(InspectionHarness harness)
    {
        var exchange = harness.Inspector.Begin("test", "example.org", "/", "GET");
        await harness.Inspector.InspectAsync(exchange, Events.Request("1"), harness.Inspector.DeadlineIn(TimeSpan.FromMinutes(1)));
        return exchange;
    }
}
