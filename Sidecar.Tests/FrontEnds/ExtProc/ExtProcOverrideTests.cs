using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using HeaderSendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.HeaderSendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>Which modes Envoy is asked for, and what is inferred where it does not tell them.</summary>
internal sealed class ExtProcOverrideTests
{
    private const BodySendMode None = BodySendMode.None;
    private const BodySendMode Streamed = BodySendMode.Streamed;
    private const BodySendMode Buffered = BodySendMode.Buffered;
    private const BodySendMode Duplex = BodySendMode.FullDuplexStreamed;

    private static readonly EnvoyFilterOptions Overriding = ExtProcRig.Options with { AllowsModeOverride = true, WholeBodies = Buffered };

    [TestCase(EventSet.RequestHeaders, BodyMode.Buffer, None, None, HeaderSendMode.Skip)]
    [TestCase(EventSet.ResponseHeaders, BodyMode.Buffer, None, None, HeaderSendMode.Send)]
    [TestCase(EventSet.RequestBodyChunk, BodyMode.Buffer, Buffered, None, HeaderSendMode.Send)]
    [TestCase(EventSet.RequestBodyChunk, BodyMode.Stream, Streamed, None, HeaderSendMode.Send)]
    [TestCase(EventSet.RequestBodyChunk, BodyMode.Hybrid, Streamed, None, HeaderSendMode.Send)]
    [TestCase(EventSet.ResponseBodyChunk, BodyMode.Buffer, None, Buffered, HeaderSendMode.Send)]
    [TestCase(EventSet.ResponseBodyChunk, BodyMode.Stream, None, Streamed, HeaderSendMode.Send)]
    public async Task AsksForWhatTheAgentsWant(EventSet supported, BodyMode shown, BodySendMode request, BodySendMode response, HeaderSendMode responseHeaders)
    {
        await using var agent = Agent(shown, supported);
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);

        // Something else than what is wanted, in each case.
        var answer = await rig.AskAsync(Messages.Request(request: BodySendMode.BufferedPartial, response: BodySendMode.BufferedPartial));

        Assert.That(answer.ModeOverride, Is.EqualTo(new ProcessingMode
        {
            RequestHeaderMode = HeaderSendMode.Send,
            ResponseHeaderMode = responseHeaders,
            RequestBodyMode = request,
            ResponseBodyMode = response,
            RequestTrailerMode = request == Streamed ? HeaderSendMode.Send : HeaderSendMode.Skip,
            ResponseTrailerMode = response == Streamed ? HeaderSendMode.Send : HeaderSendMode.Skip,
        }));
    }

    [Test]
    public async Task SameModes_AreNotAskedFor()
    {
        await using var agent = Agent(BodyMode.Stream, EventSet.RequestHeaders | EventSet.RequestBodyChunk);
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);
        await rig.AskAsync(Messages.Request(request: Streamed, response: None));
        await rig.AskAsync(Messages.Body(Direction.Request, "a", last: true));

        Assert.That((await rig.AskAsync(Messages.Response())).ModeOverride, Is.Null);
    }

    [TestCase(false, Buffered, false, TestName = "The operator does not allow it")]
    [TestCase(true, Duplex, false, TestName = "Full duplex takes none")]
    [TestCase(true, Buffered, true, TestName = "Bodies that do not wait for headers take none")]
    public async Task NothingIsAskedFor_Where(bool allowed, BodySendMode response, bool early)
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.RequestHeaders);
        await using var rig = await ExtProcRig.StartAsync(Overriding with { AllowsModeOverride = allowed }, agent);
        var message = Messages.Request(request: Buffered, response: response);
        message.ProtocolConfig.SendBodyWithoutWaitingForHeaderResponse = early;

        Assert.That((await rig.AskAsync(message)).ModeOverride, Is.Null);
    }

    [Test]
    public async Task EditsForTheResponse_KeepItsHeadersComing()
    {
        await using var agent = Agent(BodyMode.Stream, EventSet.RequestHeaders, new AgentResponse { ResponseHeaders = [HeaderOperation.Set("x", "1")] });
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);
        var request = await rig.AskAsync(Messages.Request(last: true, None, None));
        var response = await rig.AskAsync(Messages.Response(last: true));

        Assert.That(request.ModeOverride.ResponseHeaderMode, Is.EqualTo(HeaderSendMode.Send), "nobody tells whether they come by themselves");
        Assert.That(response.ResponseHeaders.Response.HeaderMutation.Text(), Is.EqualTo("x=1"));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    [Test]
    public async Task EditsForAResponseThatNeverComes_AreCounted()
    {
        await using var agent = Agent(
            BodyMode.Stream, EventSet.RequestHeaders, new AgentResponse { ResponseHeaders = [HeaderOperation.Set("x", "1"), HeaderOperation.Remove("y")] });
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(last: true));
        rig.Stream.OnGone();

        Assert.That(rig.Harness.Sums.Of("operations.unapplied"), Is.EqualTo(new[] { "envoy|response-header-remove=1", "envoy|response-header-set=1" }));
    }

    [Test]
    public async Task Upgrade_HasNoBodies_UntilTheResponseSaysThatItIsNone([Values("101", "400")] string status)
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.All);
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);
        var upgrade = Upgrade(Buffered);
        var request = (await rig.AskAsync(upgrade)).ModeOverride;
        var response = (await rig.AskAsync(Messages.Response(status: status))).ModeOverride;

        Assert.That((request.RequestBodyMode, request.ResponseBodyMode, request.ResponseHeaderMode), Is.EqualTo((None, None, HeaderSendMode.Send)));
        Assert.That(response?.ResponseBodyMode, Is.EqualTo(status == "101" ? null : (BodySendMode?)Buffered));
    }

    // Envoy would wait for the end of a body that may have none, and the client for the switch.
    [TestCase("GET", "content-length", "4")]
    [TestCase("GET", "transfer-encoding", "chunked")]
    [TestCase("POST", "content-length", "4")]
    [TestCase("CONNECT", "x", "y")]
    public async Task UpgradeWithABody_OrTunnel_IsDecidedByTheExcessActionAndNotWaitedFor(string method, string name, string value)
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.RequestBodyChunk);
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);
        var upgrade = Upgrade(None, (name, value));
        upgrade.RequestHeaders.Headers.Headers[0].RawValue = Google.Protobuf.ByteString.CopyFromUtf8(method);

        Assert.That((await rig.AskAsync(upgrade)).ImmediateResponse?.Status.Code, Is.EqualTo(413));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("refused|truncated"));
    }

    [Test]
    public async Task AfterTheSwitch_BytesPassUnasked([Values(Streamed, Duplex)] BodySendMode mode)
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.All);
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Upgrade(mode));
        await rig.AskAsync(Messages.Response(status: "101"));
        foreach (var direction in new[] { Direction.Request, Direction.Response })
        {
            var answer = await rig.AskAsync(Messages.Body(direction, "frame"));
            var mutation = (answer.RequestBody ?? answer.ResponseBody).Response.BodyMutation;
            Assert.That(mutation?.StreamedResponse.Body.ToStringUtf8(), Is.EqualTo(mode == Duplex ? "frame" : null));
        }

        Assert.That(agent.Seen.OfType<BodyChunkEvent>(), Is.Empty);
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    [Test]
    public async Task BytesBeforeTheSwitch_AreABody_AndGoOnWithTheNext()
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.RequestBodyChunk);
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Upgrade(Streamed));
        var early = await rig.AskAsync(Messages.Body(Direction.Request, "early,"));
        await rig.AskAsync(Messages.Response(status: "101"));
        var late = await rig.AskAsync(Messages.Body(Direction.Request, "late"));

        Assert.That(early.RequestBody.Response.BodyMutation.ClearBody, Is.True, "held until somebody knows what it is");
        Assert.That(late.RequestBody.Response.BodyMutation.Body.ToStringUtf8(), Is.EqualTo("early,late"));
        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().Select(static piece => Events.Text(piece.Data)), Is.EqualTo(new[] { "early," }));
    }

    [Test]
    public async Task BytesBeforeTheSwitch_WaitForNothingElse_InFullDuplex()
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.RequestBodyChunk);
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Upgrade(Duplex));
        await rig.TellAsync(Messages.Body(Direction.Request, "early"));
        var switched = await rig.AskAsync(Messages.Response(status: "101"));
        var early = await rig.NextAsync();

        Assert.That(switched.ResponseHeaders, Is.Not.Null, "before it they are held");
        Assert.That(early.RequestBody.Response.BodyMutation.StreamedResponse.Body.ToStringUtf8(), Is.EqualTo("early"));
    }

    [Test]
    public async Task UntoldMode_FirstPieceThatIsTheLast_IsABuffer()
    {
        var changed = new AgentResponse { RequestBodyMutation = new Protocol.Messages.BodyMutation("new"u8.ToArray()) };
        await using var agent = new LambdaAgent("a") { Answers = (message, _) => new(message is RequestBodyChunkEvent ? changed : AgentResponse.Allow) };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(headers: ("content-length", "5")));
        var answer = (await rig.AskAsync(Messages.Body(Direction.Request, "whole", last: true))).RequestBody.Response;

        Assert.That((answer.BodyMutation.Body.ToStringUtf8(), answer.HeaderMutation.Text()), Is.EqualTo(("new", "content-length=3")));
    }

    [Test]
    public async Task UntoldMode_FirstPieceThatIsNotTheLast_IsABeginning()
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.RequestBodyChunk);
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request());

        Assert.That((await rig.AskAsync(Messages.Body(Direction.Request, "begin"))).ImmediateResponse.Status.Code, Is.EqualTo(413), "nobody knows whether more will come");
        Assert.That(await rig.AccountAsync(), Is.EqualTo("refused|truncated"));
    }

    [Test]
    public async Task UntoldMode_TheOperatorsWordCounts()
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.RequestBodyChunk);
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options with { RequestBodyMode = Streamed }, agent);
        await rig.AskAsync(Messages.Request());
        await rig.AskAsync(Messages.Body(Direction.Request, "be"));

        Assert.That(
            (await rig.AskAsync(Messages.Body(Direction.Request, "gin", last: true))).RequestBody.Response.BodyMutation.Body.ToStringUtf8(), Is.EqualTo("begin"));
    }

    [Test]
    public async Task WishThatEnvoyDoesNotHear_TheConfiguredModeCounts()
    {
        await using var agent = Agent(BodyMode.Stream, EventSet.RequestHeaders);
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);
        Assert.That((await rig.AskAsync(Messages.Request(request: Streamed))).ModeOverride.RequestBodyMode, Is.EqualTo(None));
        await rig.AskAsync(Messages.Body(Direction.Request, "a"));

        Assert.That((await rig.AskAsync(Messages.Body(Direction.Request, "b", last: true))).RequestBody, Is.Not.Null);
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|body-unasked"));
    }

    private static ProcessingRequest Upgrade(BodySendMode mode, params (string Name, string Value)[] headers)
    {
        var message = Messages.Request(request: mode, response: mode, headers: [("upgrade", "websocket"), ("connection", "upgrade"), .. headers]);
        message.RequestHeaders.Headers.Headers[0].RawValue = Google.Protobuf.ByteString.CopyFromUtf8("GET");
        return message;
    }

    private static LambdaAgent Agent(BodyMode shown, EventSet supported, AgentResponse? answer = null) => new("a")
    {
        Supports = supported,
        Answers = (_, _) => new(answer ?? Answer.Allow),
        Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with
        {
            RequestBody = new BodyPolicy { Mode = shown },
            ResponseBody = new BodyPolicy { Mode = shown }
        },
    };
}
