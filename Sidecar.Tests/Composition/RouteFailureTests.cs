using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Tests.Composition;

/// <summary>One agent, one pool, and what becomes of its failures on each route.</summary>
internal sealed class RouteFailureTests
{
    [Test]
    public async Task AgentThatIsGone_IsJudgedByTheRoute()
    {
        await using var rig = await PublisherRig.StartAsync();
        var problems = await rig.UpdateAsync(static snapshot => snapshot with
        {
            Routes =
            [
                Route("checkout", "/checkout", "closed"), Route("mixed", "/mixed", "open+agent-absent:closed"),
                Route("told-apart", "/told-apart", "agent-absent:open"), Route("as-the-agent", "/as-the-agent", "timeout:open"),
                Route("site", null, "open"),
            ],
        });
        Assert.That(problems, Is.Empty);
        await rig.StopAgentsAsync();
        var verdicts = new List<(VerdictKind, Cause)>();
        foreach (var path in (string[])["/checkout/x", "/mixed", "/told-apart", "/as-the-agent", "/other"])
        {
            var (exchange, verdict) = await rig.AskAsync(path: path);
            rig.Daemon.Inspector.End(exchange);
            verdicts.Add((verdict.Kind, verdict.Cause));
        }

        VerdictKind[] expected = [VerdictKind.FailedClosed, VerdictKind.FailedClosed, VerdictKind.Allow, VerdictKind.FailedClosed, VerdictKind.Allow];
        Assert.That(verdicts, Is.EqualTo(expected.Select(static kind => (kind, Cause.AgentAbsent))));
        Assert.That(rig.Model.Agents, Has.Count.EqualTo(1), "one agent with one pool");
    }

    // Also of bodies that an agent cannot be shown whole, unless the operator wrote what becomes of those.
    [TestCase("open", null, "closed", ExcessAction.Block)]
    [TestCase("closed", null, "open", ExcessAction.Skip)]
    [TestCase("open", null, "too-large:closed", ExcessAction.Block)]
    [TestCase("open", null, "response:closed", ExcessAction.Skip)]
    [TestCase("open", ExcessAction.Partial, "closed", ExcessAction.Partial)]
    public async Task BodyThatIsTooLarge_FollowsTheRouteToo(string agents, object? written, string routes, object expected)
    {
        await using var rig = await PublisherRig.StartAsync();
        var waf = rig.Agent("waf", "one");
        var values = waf.Values.With(DaemonSettings.OnFailure, Read(agents)).With(AgentSettings.OnExcess, (ExcessAction?)written);
        var problems = await rig.UpdateAsync(
            snapshot => snapshot with { Agents = [waf with { Values = values }], Routes = [Route("all", null, routes)] });
        Assert.That(problems, Is.Empty);
        var (exchange, _) = await rig.AskAsync();
        Assert.That(exchange.Enforced[0].Session.Policy.RequestBody.OnExcess, Is.EqualTo((ExcessAction)expected));
        rig.Daemon.Inspector.End(exchange);
    }

    private static FailureOptions Read(string text) =>
        FailureOptions.TryRead(text.Split('+'), static error => Assert.Fail(error), out var options) ? options : FailureMode.Closed;

    private static RouteOptions Route(string id, string? path, string onFailure) => new()
    {
        Id = id,
        PathPrefix = path,
        Stages = [[new RouteAgentOptions("waf", null)]],
        OnFailure = Read(onFailure),
    };
}
