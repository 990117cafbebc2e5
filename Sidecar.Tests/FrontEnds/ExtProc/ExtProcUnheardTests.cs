using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>Filters that are asked for bodies and responses and do not hear it.</summary>
internal sealed class ExtProcUnheardTests
{
    private const EventSet Requests = EventSet.RequestHeaders | EventSet.RequestBodyChunk;

    private static readonly EnvoyFilterOptions Overriding = ExtProcRig.Options with { AllowsModeOverride = true };

    [TestCase(BodyMode.Buffer, "via_upstream")]
    [TestCase(BodyMode.Buffer, null)]
    [TestCase(BodyMode.Stream, "via_upstream")]
    public async Task BodyThatDidNotCome_IsNoInspectedRequest(BodyMode shown, string? details)
    {
        await using var agent = Agent(shown, Requests);
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);
        Assert.That((await rig.AskAsync(Messages.Request(request: BodySendMode.None, response: BodySendMode.None))).ModeOverride, Is.Not.Null);
        var response = Messages.Response();

        Assert.That((await rig.AskAsync(details is null ? response : response.By(details))).ImmediateResponse?.Status.Code, Is.EqualTo(503));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("bypassed|unheard-override"), "the upstream has it");
    }

    [Test]
    public async Task FilterThatDoesNotHear_IsAskedNoMore_AndAgentsFollowTheirExcessAction()
    {
        await using var agent = Agent(BodyMode.Buffer, Requests);
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);
        await rig.AskAsync(Messages.Request(request: BodySendMode.None, response: BodySendMode.None));
        await rig.AskAsync(Messages.Response().By("via_upstream"));
        await using var next = rig.NewStream();
        await next.OnMessageAsync(Messages.Request(request: BodySendMode.None, response: BodySendMode.None));

        Assert.That((await rig.NextAsync()).ImmediateResponse?.Status.Code, Is.EqualTo(413), "before anything goes upstream");
        Assert.That(rig.Harness.Inspector.Warnings.All.Single(), Does.StartWith("listener envoy: a body that was asked for by mode_override passed unseen"));
        Assert.That(rig.Harness.Logs.Collector.GetSnapshot().Count(static entry => entry.Message.Contains("allow_mode_override", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task EarlyAnswerToAStreamedBody_IsNoDeafFilter_WhereOneHasHeard()
    {
        await using var agent = Agent(BodyMode.Stream, Requests);
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);
        await using (var heard = rig.NewStream())
        {
            await heard.OnMessageAsync(Messages.Request(request: BodySendMode.None, response: BodySendMode.None));
            await rig.NextAsync();
            await heard.OnMessageAsync(Messages.Body(Direction.Request, "a", last: true));
            await rig.NextAsync();
        }

        await rig.AskAsync(Messages.Request(request: BodySendMode.None, response: BodySendMode.None));

        Assert.That((await rig.AskAsync(Messages.Response(last: true, status: "401").By("via_upstream"))).ResponseHeaders, Is.Not.Null);
        Assert.That(rig.Filter.TakesOverrides, Is.True);
    }

    [Test]
    public async Task ResponseBodiesThatDoNotCome_AreNotCalledTheClientsGoing()
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.RequestHeaders | EventSet.ResponseHeaders | EventSet.ResponseBodyChunk);
        await using var rig = await ExtProcRig.StartAsync(Overriding, agent);
        for (var i = 0; i < 3; i++)
        {
            Assert.That(rig.Filter.TakesOverrides, Is.True, "one client that leaves proves nothing");
            await using var stream = rig.NewStream();
            await stream.OnMessageAsync(Messages.Request(last: true, BodySendMode.None, BodySendMode.None));
            await rig.NextAsync();
            await stream.OnMessageAsync(Messages.Response().By("via_upstream"));
            Assert.That((await rig.NextAsync()).ResponseHeaders, Is.Not.Null);
            await stream.IdleAsync();
        }

        await rig.AskAsync(Messages.Request(last: true, BodySendMode.None, BodySendMode.None));
        Assert.That((await rig.AskAsync(Messages.Response().By("via_upstream"))).ImmediateResponse?.Status.Code, Is.EqualTo(502));
        Assert.That((await rig.Harness.EndedAsync())[0], Is.EqualTo("envoy|all|bypassed|unheard-override=3"));
    }

    [Test]
    public async Task ResponseThatIsNotSent_IsNoInspectedExchange()
    {
        await using var agent = Agent(BodyMode.Buffer, EventSet.RequestHeaders | EventSet.ResponseHeaders);
        await using var rig = await ExtProcRig.StartAsync(agent);
        for (var i = 0; i < 3; i++)
        {
            await using var stream = rig.NewStream();
            await stream.OnMessageAsync(Messages.Request(last: true));
            await rig.NextAsync();
            await stream.IdleAsync();
        }

        Assert.That((await rig.Harness.EndedAsync()).Single(), Is.EqualTo("envoy|all|abandoned|no-response=3"));
        Assert.That(rig.Harness.Inspector.Warnings.All.Single(), Does.Contain("response_header_mode"));
    }

    [Test]
    public async Task BodyInAnotherModeThanAskedFor_IsRefused()
    {
        await using var agent = Agent(BodyMode.Buffer, Requests);
        await using var rig = await ExtProcRig.StartAsync(Overriding with { WholeBodies = BodySendMode.Buffered }, agent);
        await rig.AskAsync(Messages.Request(request: BodySendMode.Streamed, response: BodySendMode.None));
        await rig.AskAsync(Messages.Body(Direction.Request, "one,"));

        Assert.That((await rig.AskAsync(Messages.Body(Direction.Request, "two", last: true))).ImmediateResponse?.Status.Code, Is.EqualTo(503));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("refused|unheard-override"));
        Assert.That(rig.Filter.TakesOverrides, Is.False);
    }

    [TestCase(BodySendMode.BufferedPartial, 1001, 413, "refused|too-large", TestName = "Longer than the agent takes")]
    [TestCase(BodySendMode.Buffered, 11, 413, "refused|truncated", TestName = "Longer than Envoy can hold, which would wait for ever")]
    public async Task BodyThatCannotBeSeenWhole_IsNotAskedFor(BodySendMode whole, int length, int status, string account)
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { RequestBody = new BodyPolicy { Mode = BodyMode.Buffer, MaxBytes = 1000 } },
        };
        await using var rig = await ExtProcRig.StartAsync(Overriding with { WholeBodies = whole, BufferLimit = 10 }, agent);

        var answer = await rig.AskAsync(Messages.Request(request: BodySendMode.None, response: BodySendMode.None, headers: ("content-length", $"{length}")));

        Assert.That(answer.ImmediateResponse?.Status.Code, Is.EqualTo(status), "nothing has gone upstream, and nobody waits");
        Assert.That(await rig.AccountAsync(), Is.EqualTo(account));
    }

    private static LambdaAgent Agent(BodyMode shown, EventSet supported) => new("a")
    {
        Supports = supported,
        Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with
        {
            RequestBody = new BodyPolicy { Mode = shown },
            ResponseBody = new BodyPolicy { Mode = shown }
        },
    };
}
