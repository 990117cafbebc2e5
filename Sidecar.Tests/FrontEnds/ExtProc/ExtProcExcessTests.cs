using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

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
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with
            {
                RequestBody = new BodyPolicy { MaxBytes = 1000, OnExcess = action },
                Events = EventSet.RequestBodyChunk,
            },
        };
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options with { BufferLimit = 4 }, agent);
        var envoy = new FakeEnvoy(rig, BodySendMode.BufferedPartial) { PartialLimit = 4 };
        var request = await envoy.SendAsync(Direction.Request, ["one,", "two,", "three"]);

        Assert.That(request?.Body, Is.EqualTo(action == ExcessAction.Block ? null : "one,two,three"));
        Assert.That(envoy.Reply?.Status.Code, Is.EqualTo(action == ExcessAction.Block ? 413 : null));
        Assert.That(string.Concat(agent.Seen.OfType<RequestBodyChunkEvent>().Select(static piece => Events.Text(piece.Data))), Is.EqualTo(seen));
        Assert.That(await rig.AccountAsync(), Is.EqualTo(account));
    }

    [TestCase(BodySendMode.BufferedPartial, null, 200, "inspected|none")]
    [TestCase(BodySendMode.BufferedPartial, "12", 200, "inspected|none")]
    [TestCase(BodySendMode.BufferedPartial, "13", 413, "refused|truncated")]
    [TestCase(BodySendMode.Buffered, null, 200, "inspected|none")]
    public async Task BodyThatTrailersFollow_IsWhole_WhereItIsSmallerThanTheBuffer(BodySendMode mode, string? length, int status, string account)
    {
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options with { BufferLimit = length is null ? 13 : 10 }, new LambdaAgent("a"));
        await rig.AskAsync(Messages.Request(request: mode, response: mode, headers: length is null ? [] : [("content-length", length)]));

        var answer = await rig.AskAsync(Messages.Body(Direction.Request, "twelve bytes"));

        Assert.That(answer.ImmediateResponse?.Status.Code ?? 200, Is.EqualTo(status));
        if (status == 200)
        {
            Assert.That((await rig.AskAsync(Messages.Trailers(Direction.Request))).RequestTrailers, Is.Not.Null);
        }

        Assert.That(await rig.AccountAsync(), Is.EqualTo(account));
    }

    [Test]
    public async Task HeldBodyWithTrailers_ThatStreamedCannotCarry_IsRefused_AndSaidOnce()
    {
        await using var agent =
            new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { RequestBody = new BodyPolicy { Mode = BodyMode.Buffer } } };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(request: BodySendMode.Streamed, response: BodySendMode.Streamed));
        await rig.AskAsync(Messages.Body(Direction.Request, "held"));

        Assert.That((await rig.AskAsync(Messages.Trailers(Direction.Request))).ImmediateResponse?.Status.Code, Is.EqualTo(503));
        Assert.That(rig.Harness.Inspector.Warnings.All.Single(), Does.Contain("use FULL_DUPLEX_STREAMED"));
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
