using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.Envoy;

/// <summary>Bodies of which Envoy shows a part, or nothing.</summary>
internal sealed class ExtProcExcessTests
{
    [TestCase(ExcessAction.Partial, "one,", "partly|truncated")]
    [TestCase(ExcessAction.Skip, "", "bypassed|truncated")]
    [TestCase(ExcessAction.Block, "", "refused|truncated")]
    public async Task BeginningOfABody_FollowsTheExcessAction(ExcessAction action, string seen, string account)
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { RequestBody = new BodyPolicy { MaxBytes = 1000, OnExcess = action }, Events = EventSet.RequestBodyChunk },
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        var envoy = new FakeEnvoy(rig, BodySendMode.BufferedPartial) { PartialLimit = 4 };
        var request = await envoy.SendAsync(Direction.Request, ["one,", "two,", "three"]);

        Assert.That(request?.Body, Is.EqualTo(action == ExcessAction.Block ? null : "one,two,three"));
        Assert.That(envoy.Reply?.Status.Code, Is.EqualTo(action == ExcessAction.Block ? 413 : null));
        Assert.That(string.Concat(agent.Seen.OfType<RequestBodyChunkEvent>().Select(static piece => Events.Text(piece.Data))), Is.EqualTo(seen));
        Assert.That(await rig.AccountAsync(), Is.EqualTo(account));
    }

    [TestCase(FailureMode.Closed, ExcessAction.Block, 413, "refused|truncated")]
    [TestCase(FailureMode.Open, ExcessAction.Skip, null, "bypassed|truncated")]
    public async Task BodyThatEnvoyKeepsToItself_IsNotPassedSilently(FailureMode mode, ExcessAction action, int? status, string account)
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(mode) with { RequestBody = new BodyPolicy { OnExcess = action }, Events = EventSet.RequestBodyChunk },
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        var envoy = new FakeEnvoy(rig, BodySendMode.None);
        var request = await envoy.SendAsync(Direction.Request, ["one,", "two,", "three"]);

        Assert.That((request is null, envoy.Reply?.Status.Code), Is.EqualTo((status is not null, status)));
        Assert.That(await rig.AccountAsync(), Is.EqualTo(account));
    }
}
