using NUnit.Framework;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AgentProtocol;

/// <summary>A guardrail inspection outside any exchange goes to the route it names, and to that route's agents only (spec §5.5).</summary>
internal sealed class GuardrailRouteTests
{
    [TestCase("chat", 1, 0)]
    [TestCase("other", 0, 1)]
    [TestCase("unheard-of", 0, 1)]
    [TestCase(null, 0, 1)]
    public async Task NamedRoute_TakesTheInspection(string? route, int chat, int other)
    {
        await using var first = new LambdaAgent("first");
        await using var second = new LambdaAgent("second");
        var options = new HarnessOptions
        {
            Routes = on =>
            [
                new RouteModel { Id = "chat", Match = new RouteMatch { Hosts = ["chat.example.org"], PathPrefix = "/v1" }, Stages = [[on("first")]] },
                new RouteModel { Id = "other", Stages = [[on("second")]] },
            ],
        };
        await using var harness = await InspectionHarness.StartAsync(options, first, second);

        await harness.Client.AskAsync(Events.Guardrail("x", "text", GuardrailInspectionType.PromptInjection) with { RouteId = route });

        Assert.That((first.Seen.Count, second.Seen.Count), Is.EqualTo((chat, other)));
    }

    // A plain allow would read as "clean".
    [TestCase(true)]
    [TestCase(false)]
    public async Task WhereNoAgentTakesGuardrailQuestions_TheAnswerSaysThatNobodyLooked(bool inAnExchange)
    {
        await using var agent = new LambdaAgent("waf") { Supports = EventSet.RequestHeaders };
        await using var harness = await InspectionHarness.StartAsync(agent);
        if (inAnExchange)
        {
            await harness.Client.AskAsync(Events.Request("x"));
        }

        var answer = await harness.Client.AskAsync(Events.Guardrail("x", "my number is 123"));

        Assert.That(answer.Decision, Is.TypeOf<AllowDecision>());
        Assert.That(answer.Audit.ReasonCodes, Is.EqualTo(new[] { "nobody-inspected" }));
        if (!inAnExchange)
        {
            Assert.That(await harness.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|not-subject|none=1" }));
        }
    }

    [Test]
    public async Task WhereOneDoes_AndFindsNothing_TheAnswerIsPlain()
    {
        await using var agent = new LambdaAgent("guard");
        await using var harness = await InspectionHarness.StartAsync(agent);
        Assert.That((await harness.Client.AskAsync(Events.Guardrail("x", "hello"))).Audit.ReasonCodes, Is.Empty);
    }
}
