using NUnit.Framework;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Kind = Sidecar.Protocol.Envoy.ProcessingResponse.ResponseOneofCase;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>Answers that are no upstream's: Envoy's own, and those of filters before ours. They stay what they are.</summary>
internal sealed class ExtProcLocalReplyTests
{
    [TestCase("rbac_access_denied_matched_policy[none]", BodySendMode.None)]
    [TestCase("path_normalization_failed", BodySendMode.Buffered)]
    [TestCase("ext_authz_denied", BodySendMode.BufferedPartial)]
    [TestCase("request_rate_limited", BodySendMode.Streamed)]
    [TestCase("jwt_authn_access_denied{Jwt_is_missing}", BodySendMode.FullDuplexStreamed)]
    public async Task LocalReply_PassesAsItIs_AndNoAgentIsAsked(string details, BodySendMode mode)
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(agent);
        var first = Messages.Response(status: "403").By(details);
        first.ProtocolConfig = new ProtocolConfiguration { RequestBodyMode = mode, ResponseBodyMode = mode };

        var headers = await rig.AskAsync(first);
        var body = mode == BodySendMode.None ? null : await rig.AskAsync(Messages.Body(Direction.Response, "denied", last: true));

        Assert.That((headers.ResponseCase, headers.ResponseHeaders?.Response.HeaderMutation), Is.EqualTo((Kind.ResponseHeaders, (HeaderMutation?)null)));
        Assert.That(
            body?.ResponseBody.Response.BodyMutation?.StreamedResponse?.Body.ToStringUtf8(), Is.EqualTo(mode == BodySendMode.FullDuplexStreamed ? "denied" : null));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("not-subject|local-reply"));
        Assert.That(agent.Seen, Is.Empty);
    }

    [TestCase("via_upstream", "bypassed|broken-filter")]
    [TestCase("upstream_reset_before_response_started{connection_termination}", "bypassed|broken-filter")]
    [TestCase(null, "refused|broken-filter")]
    public async Task ResponseToARequestThatNobodyWasAskedAbout_IsRefusedByAReply(string? details, string account)
    {
        await using var rig = await ExtProcRig.StartAsync(new LambdaAgent("a"));
        var first = Messages.Response();

        var answer = await rig.AskAsync(details is null ? first : first.By(details));

        Assert.That(answer.ImmediateResponse?.Status.Code, Is.EqualTo(503));
        Assert.That(await rig.AccountAsync(), Is.EqualTo(account));
        Assert.That(rig.Harness.Inspector.Warnings.All.Single(), Does.Contain(details is null ? "response_attributes" : "request_header_mode"));
    }

    [Test]
    public async Task ReplyOfEnvoy_WhileTheRequestIsStillAsked_StaysWhatItIs()
    {
        await using var agent = new LambdaAgent("a");
        agent.Answers = static async (message, cancellation) =>
        {
            if (message is RequestHeadersEvent)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            }

            return AgentResponse.Allow;
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.TellAsync(Messages.Request(request: BodySendMode.Buffered));
        await agent.SeenAsync(1);

        var answer = await rig.AskAsync(Messages.Response(last: true, status: "413").By("request_payload_too_large"));

        Assert.That(answer.ResponseCase, Is.EqualTo(Kind.ResponseHeaders), "a reply of ours would take the place of Envoy's 413");
        Assert.That(await rig.AccountAsync(), Is.EqualTo("abandoned|superseded"));
        Assert.That(agent.Seen, Has.None.InstanceOf<ResponseHeadersEvent>());
    }

    [TestCase("request_payload_too_large", "413")]
    [TestCase(null, "413")]
    [TestCase(null, "408")]
    public async Task ReplyOfEnvoy_InsteadOfTheBody_StaysWhatItIs(string? details, string status)
    {
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options with { AllowsModeOverride = true }, new LambdaAgent("a"));
        await rig.AskAsync(Messages.Request(request: BodySendMode.None, response: BodySendMode.None));
        var response = Messages.Response(last: true, status);

        Assert.That((await rig.AskAsync(details is null ? response : response.By(details))).ResponseHeaders, Is.Not.Null);
        Assert.That(await rig.AccountAsync(), Is.EqualTo("abandoned|superseded"));
        Assert.That(rig.Filter.TakesOverrides, Is.True, "that no body came was not the filter's fault");
    }

    [Test]
    public async Task ResponseThatAgentsCannotSee_IsTheUpstreamsFault([Values(BodySendMode.None, BodySendMode.BufferedPartial)] BodySendMode mode)
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options with { BufferLimit = 4 }, agent);
        await rig.AskAsync(Messages.Request(last: true, mode, mode));
        var answer = await rig.AskAsync(Messages.Response());
        answer = mode == BodySendMode.None ? answer : await rig.AskAsync(Messages.Body(Direction.Response, "too large"));

        Assert.That(answer.ImmediateResponse?.Status.Code, Is.EqualTo(502), "413 would tell the client that its GET was too large");
    }
}
