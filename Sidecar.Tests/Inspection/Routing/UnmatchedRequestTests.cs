using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Routing;

/// <summary>Nothing falls open by omission: a request that no route takes is refused, or goes where the operator said.</summary>
internal sealed class UnmatchedRequestTests
{
    private static readonly HarnessOptions Refusing = new()
    {
        Routes = static on => [new RouteModel { Id = "api", Match = new RouteMatch { PathPrefix = "/api" }, Stages = [[on("waf")]] }],
    };

    [Test]
    public async Task RequestThatNoRouteTakes_NeverPassesByOmission()
    {
        await using var waf = new LambdaAgent("waf");
        await using var harness = await InspectionHarness.StartAsync(Refusing, waf);

        var refused = await harness.Client.AskAsync(Events.Request("1", "/other\u001b[2J", "shop.example", "GET"));
        var body = await harness.Client.AskAsync(Events.RequestBody("1", "x", last: true));
        var again = await harness.Client.AskAsync(Events.Request("2", "/other", "shop.example", "GET"));
        var taken = await harness.Client.AskAsync(Events.Request("3", "/api/x", "shop.example", "GET"));
        foreach (var id in (string[])["1", "2", "3"])
        {
            await harness.Client.AskAsync(Events.Complete(id));
        }

        Assert.That(new[] { refused, body, again }.Select(static answer => (answer.Decision as BlockDecision)?.Status), Is.All.EqualTo(403));
        Assert.That(refused.Audit.ReasonCodes, Is.EqualTo(new[] { "no-route" }));
        Assert.That(taken.Decision, Is.InstanceOf<AllowDecision>());
        Assert.That(waf.Seen.OfType<RequestHeadersEvent>().Select(static seen => seen.Uri), Is.EqualTo(new[] { "/api/x" }));
        Assert.That(await harness.EndedAsync(), Is.EquivalentTo(new[] { "native:native.sock|none|refused|no-route=2", "native:native.sock|api|inspected|none=1" }));
        var line = harness.Logs.Collector.GetSnapshot().Single(static entry => entry.Id.Id == 1307);
        Assert.That(line.Message, Does.Contain("no route takes a GET of '/other\\u001b[2J' of host 'shop.example'").And.Contain("--unmatched"));
    }

    [Test]
    public async Task RequestThatNoRouteTakes_WhereTheOperatorLetsItPass_IsCountedAsNoRoute()
    {
        await using var waf = LambdaAgent.That("waf", Answer.Block(401));
        await using var harness = await InspectionHarness.StartAsync(Refusing with { Unmatched = static _ => null }, waf);

        var answer = await harness.Client.AskAsync(Events.Request("1", "/other"));
        await harness.Client.AskAsync(Events.Complete("1"));

        Assert.That(answer.Decision, Is.InstanceOf<AllowDecision>());
        Assert.That(waf.Seen, Is.Empty);
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|none|not-subject|no-route=1" }));
    }

    [Test]
    public async Task RequestThatNoRouteTakes_WhereTheOperatorNamesAgents_IsShownToThem()
    {
        await using var waf = new LambdaAgent("waf");
        await using var bot = LambdaAgent.That("bot", Answer.Block(402));
        var options = Refusing with { Unmatched = static on => new RouteModel { Id = "none", Stages = [[on("bot")]] } };
        await using var harness = await InspectionHarness.StartAsync(options, waf, bot);

        var answer = await harness.Client.AskAsync(Events.Request("1", "/other"));
        await harness.Client.AskAsync(Events.Complete("1"));

        Assert.That((answer.Decision as BlockDecision)?.Status, Is.EqualTo(402));
        Assert.That((waf.Seen.Count, bot.Seen.OfType<RequestHeadersEvent>().Count()), Is.EqualTo((0, 1)));
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|none|inspected|none=1" }));
    }

    [Test]
    public async Task GuardrailTextThatNoRouteTakes_NeverPassesByOmission()
    {
        await using var waf = new LambdaAgent("waf");
        await using var harness = await InspectionHarness.StartAsync(Refusing, waf);

        var answer = await harness.Client.AskAsync(Events.Guardrail("x", "text", GuardrailInspectionType.PromptInjection));

        Assert.That((answer.Decision as BlockDecision)?.Status, Is.EqualTo(403));
        Assert.That(waf.Seen, Is.Empty);
        Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|none|refused|no-route=1" }));
    }

    [Test]
    public async Task WhatMakesNoRequest_IsOnNoRoutesAccount_AndNoAgentsEither()
    {
        await using var waf = new LambdaAgent("waf");
        await using var harness = await InspectionHarness.StartAsync(waf);

        await harness.Client.AskAsync(Events.Response("unheard-of"));
        var account = harness.Inspector.Account("spop:s", LedgerState.Refused, Cause.Malformed);

        Assert.That(account.Account(), Is.EqualTo(new LedgerEntry(LedgerState.Refused, Cause.Malformed)));
        Assert.That(await harness.EndedAsync(), Is.EquivalentTo(new[] { "native:native.sock|none|refused|exchange-unknown=1", "spop:s|none|refused|malformed=1" }));
        Assert.That(harness.Inspector.Counts.Read().Select(static row => row.Route), Is.All.EqualTo("none"));
        Assert.That(harness.Sums.Of("agent.exchanges"), Is.Empty);
    }
}
