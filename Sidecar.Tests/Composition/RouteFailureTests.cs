using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
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

    private static RouteOptions Route(string id, string? path, string onFailure) => new()
    {
        Id = id,
        PathPrefix = path,
        Stages = [[new RouteAgentOptions("waf", null)]],
        OnFailure = FailureOptions.TryRead(onFailure.Split('+'), static error => Assert.Fail(error), out var options) ? options : null,
    };
}
