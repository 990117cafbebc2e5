using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.FrontEnds.ExtProc;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtAuthz;

/// <summary>Bodies that the filter keeps to itself, and the mark by which the upstream learns that an agent was passed by.</summary>
internal sealed class UnseenBodyTests
{
    private static readonly (string, string)[] Forged = [("x-sidecar-bypassed", "forged")];

    [TestCase("content-length", "5", "HTTP/1.1", true)]
    [TestCase("content-length", "5", "HTTP/1.1", false)]
    [TestCase("transfer-encoding", "chunked", "HTTP/1.1", false)]
    [TestCase("accept", "x", "HTTP/2", false)]
    public async Task Authz_RefusesWhatAnAgentMustSee(string name, string value, string protocol, bool filterSendsBodies)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await StartAsync(agent, filterSendsBodies);

        Assert.That((await server.CheckAsync(Question(protocol, (name, value)))).DeniedResponse?.Status.Code, Is.EqualTo(413));
        Assert.That(await server.AccountAsync(), Is.EqualTo("refused|truncated"));
    }

    /// <summary>Envoy takes Transfer-Encoding away before its filters, and HTTP/2 has none: nothing tells of a body that the filter keeps.</summary>
    [TestCase("GET", "HTTP/1.1")]
    [TestCase("GET", "HTTP/2")]
    [TestCase("DELETE", "HTTP/2")]
    public async Task Authz_WhatMayHaveABody_IsMarkedAndNotRefused(string method, string protocol)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await StartAsync(agent, filterSendsBodies: false);
        var question = Question(protocol, ("accept", "x"));
        question.Attributes.Request.Http.Method = method;

        var answer = await server.CheckAsync(question);

        Assert.That((answer.Status.Code, answer.OkResponse?.Headers.Single().Header.Value), Is.EqualTo((0, "maybe-body")));
        Assert.That(await server.AccountAsync(), Is.EqualTo("bypassed|maybe-body"));
    }

    /// <summary>max_request_bytes: 1 tells of every body, and agents are shown none.</summary>
    [TestCase("x", "refused|truncated")]
    [TestCase("", "inspected|none")]
    public async Task Authz_SignOfABody_IsNoBody(string body, string account)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(new EnvoyOptions { WithRequestBody = RequestBodies.Signed }, new HarnessOptions(), agent);
        var question = Question("HTTP/2", ("accept", "x"));
        question.Attributes.Request.Http.Method = "GET";
        question.Attributes.Request.Http.RawBody = Google.Protobuf.ByteString.CopyFromUtf8(body);

        await server.CheckAsync(question);

        Assert.That(await server.AccountAsync(), Is.EqualTo(account));
        Assert.That(agent.Seen, Has.None.InstanceOf<BodyChunkEvent>());
    }

    [TestCase("content-length", "5", "filter has no with_request_body", "refused|truncated")]
    [TestCase("accept", "x", "none has come yet", "bypassed|maybe-body")]
    public async Task Authz_FilterThatSendsNoBodiesAfterAll_IsToldOf(string name, string value, string notice, string account)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await StartAsync(agent, filterSendsBodies: true);

        await server.CheckAsync(Question("HTTP/2", (name, value)));

        Assert.That(server.Harness.Inspector.Warnings.All, Has.One.Contains(notice));
        Assert.That(await server.AccountAsync(), Is.EqualTo(account));
    }

    [TestCase("content-length", "5", "HTTP/1.1")]
    [TestCase("transfer-encoding", "chunked", "HTTP/1.1")]
    [TestCase("accept", "x", "HTTP/2")]
    public async Task Authz_AgentThatCanDoWithout_IsContentWithTheHeaders(string name, string value, string protocol)
    {
        await using var agent = Optional();
        await using var server = await StartAsync(agent, filterSendsBodies: false);

        var answer = await server.CheckAsync(Question(protocol, (name, value), Forged[0]));

        Assert.That((answer.Status.Code, answer.OkResponse.Headers.Count, string.Join(' ', answer.OkResponse.HeadersToRemove)), Is.EqualTo((0, 0, $"x-envoy-auth-partial-body {Forged[0].Item1}")));
        Assert.That(await server.AccountAsync(), Is.EqualTo("inspected|none"));
        Assert.That(agent.Seen, Has.None.InstanceOf<BodyChunkEvent>());
    }

    [Test]
    public async Task Authz_AgentThatCanDoWithout_StillRefusesAPrefixOfWhatIsSent()
    {
        await using var agent = Optional();
        await using var server = await StartAsync(agent, filterSendsBodies: true);

        Assert.That((await server.CheckAsync(Question("HTTP/1.1", ("content-length", "5")))).DeniedResponse?.Status.Code, Is.EqualTo(413), "the filter sends bodies, and this one did not come");
    }

    [Test]
    public async Task Authz_MarksWhatPassesAnAgentBy([Values] bool isForged)
    {
        await using var agent = new LambdaAgent("waf") { IsAbsent = true, Policy = LambdaAgent.PolicyOf(FailureMode.Open) };
        await using var server = await StartAsync(agent, filterSendsBodies: true);

        var answer = (await server.CheckAsync(Messages.Question(isForged ? Forged : []))).OkResponse;

        var set = answer.Headers.Single();
        Assert.That((set.Header.Key, set.Header.Value, set.Append), Is.EqualTo(("x-sidecar-bypassed", "agent-absent", (bool?)false)));
        Assert.That(answer.HeadersToRemove, Has.No.Member("x-sidecar-bypassed"), "Envoy removes after it has set");
    }

    [TestCase(BodySendMode.None, "x-sidecar-bypassed=agent-absent")]
    [TestCase(BodySendMode.Buffered, "x-sidecar-bypassed=agent-absent")]
    [TestCase(BodySendMode.Streamed, "x-sidecar-bypassed=agent-absent")]
    [TestCase(BodySendMode.FullDuplexStreamed, "x-sidecar-bypassed=agent-absent")]
    public async Task ExtProc_MarksWhatPassesAnAgentBy(BodySendMode mode, string edits)
    {
        await using var agent = new LambdaAgent("waf") { IsAbsent = true, Policy = LambdaAgent.PolicyOf(FailureMode.Open) };
        await using var rig = await ExtProcRig.StartAsync(agent);
        var envoy = new FakeEnvoy(rig, mode);

        var request = await envoy.SendAsync(Direction.Request, ["body"], headers: Forged);
        var response = await envoy.SendAsync(Direction.Response, []);

        Assert.That(request?.Edits, Is.EqualTo($"-x-sidecar-bypassed {edits}"));
        Assert.That(response?.Edits, Is.Empty, "the mark is the upstream's, not the client's");
    }

    // A filter before ours sets it, so that it is there when nobody answers.
    [TestCase(BodySendMode.None, "-x-sidecar-bypassed", null)]
    [TestCase(BodySendMode.Streamed, "-x-sidecar-bypassed", "")]
    [TestCase(BodySendMode.Buffered, "", "-x-sidecar-bypassed")]
    [TestCase(BodySendMode.BufferedPartial, "", "-x-sidecar-bypassed")]
    public async Task ExtProc_MarkOfAFilterBefore_StaysUntilTheLastAnswerThatHeadersWaitFor(BodySendMode mode, string first, string? second)
    {
        await using var agent = Optional();
        await using var rig = await ExtProcRig.StartAsync(agent);

        var headers = (await rig.AskAsync(Messages.Request(request: mode, response: mode, headers: Forged))).RequestHeaders.Response;
        var body = second is null ? null : (await rig.AskAsync(Messages.Body(Direction.Request, "a", last: true))).RequestBody.Response;

        Assert.That((headers.HeaderMutation.Text(), body?.HeaderMutation.Text()), Is.EqualTo((first, second)));
    }

    [TestCase(BodySendMode.None, "truncated", "x-sidecar-bypassed=truncated")]
    [TestCase(BodySendMode.Buffered, "too-large", "x-sidecar-bypassed=too-large")]
    [TestCase(BodySendMode.FullDuplexStreamed, "too-large", "x-sidecar-bypassed=too-large")]
    [TestCase(BodySendMode.Streamed, "too-large", "")]
    public async Task ExtProc_MarksABodyThatPassesAnAgentBy_WhileTheHeadersWait(BodySendMode mode, string cause, string edits)
    {
        await using var agent = new LambdaAgent("waf")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Open) with { RequestBody = new BodyPolicy { MaxBytes = 3, OnExcess = ExcessAction.Skip } },
        };
        await using var rig = await ExtProcRig.StartAsync(agent);

        var request = await new FakeEnvoy(rig, mode).SendAsync(Direction.Request, ["body"]);

        Assert.That((request?.Edits, request?.Body), Is.EqualTo((edits, "body")));
        Assert.That(await rig.AccountAsync(), Is.EqualTo($"bypassed|{cause}"));
    }

    [TestCase(Direction.Request)]
    [TestCase(Direction.Response)]
    public async Task ExtProc_AgentThatCanDoWithout_IsContentWithTheHeaders(Direction direction)
    {
        await using var agent = Optional();
        await using var rig = await ExtProcRig.StartAsync(agent);
        var envoy = new FakeEnvoy(rig, BodySendMode.None);

        var request = await envoy.SendAsync(Direction.Request, direction == Direction.Request ? ["one,", "two"] : []);
        var response = await envoy.SendAsync(Direction.Response, direction == Direction.Response ? ["one,", "two"] : []);

        Assert.That((request?.Edits, response?.Edits), Is.EqualTo(("", "")));
        Assert.That(agent.Seen, Has.None.InstanceOf<BodyChunkEvent>());
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    [Test]
    public async Task ExtProc_OtherAgents_StillFollowTheirExcessAction()
    {
        await using var content = Optional();
        await using var strict = new LambdaAgent("strict");
        await using var rig = await ExtProcRig.StartAsync(content, strict);
        var envoy = new FakeEnvoy(rig, BodySendMode.None);

        Assert.That(await envoy.SendAsync(Direction.Request, ["body"]), Is.Null);
        Assert.That((envoy.Reply?.Status.Code, await rig.AccountAsync()), Is.EqualTo(((int?)413, "refused|truncated")));
    }

    [Test]
    public async Task ExtProc_AgentThatCanDoWithout_SeesTheBodyWhereItComes()
    {
        await using var agent = Optional();
        await using var rig = await ExtProcRig.StartAsync(agent);

        await new FakeEnvoy(rig, BodySendMode.Buffered).SendAsync(Direction.Request, ["body"]);

        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().Select(static piece => Events.Text(piece.Data)), Is.EqualTo(new[] { "body" }));
    }

    private static LambdaAgent Optional() => new("waf") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { BodyIsOptional = true } };

    private static CheckRequest Question(string protocol, params (string Name, string Value)[] headers)
    {
        var question = Messages.Question([.. headers, ("x-envoy-auth-partial-body", "false")]);
        question.Attributes.Request.Http.Protocol = protocol;
        if (!headers.Any(static header => header.Name == "content-length"))
        {
            question.Attributes.Request.Http.Headers.Remove("content-length");
        }

        return question;
    }

    private static Task<EnvoyServer> StartAsync(LambdaAgent agent, bool filterSendsBodies) =>
        EnvoyServer.StartAsync(
            new EnvoyOptions { WithRequestBody = filterSendsBodies ? RequestBodies.Shown : RequestBodies.Kept }, new HarnessOptions(), agent);
}
