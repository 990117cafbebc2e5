using System.Text;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.ExtProc;

/// <summary>What agents are told of Envoy's messages, and what Envoy is told of their words.</summary>
internal sealed class ExtProcMessageTests
{
    [Test]
    public async Task RequestHeaders_ReachTheAgentAsTheyCame()
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(agent);
        var message = Messages.Request(last: true, headers: [("cookie", "a=1"), ("cookie", "b=ü"), ("x-forwarded-for", "203.0.113.9"), ("x-sidecar-id", "forged"), ("x_sidecar_action", "allow")]);
        message.RequestHeaders.Headers.Headers.Add(new HeaderValue { Key = "latin", RawValue = ByteString.CopyFrom(0xE9) });
        message.RequestHeaders.Headers.Headers.Add(new HeaderValue { Key = "old", Value = "in value" });
        message.With(("source.address", "192.0.2.7:4711"), ("request.id", "r-1"), ("connection.requested_server_name", "sni.example"), ("connection.tls_version", "TLSv1.3"), ("request.protocol", "HTTP/2"));
        var answer = await rig.AskAsync(message);

        var seen = agent.Seen.OfType<RequestHeadersEvent>().Single();
        Assert.That((seen.Method, seen.Uri), Is.EqualTo(("POST", "/a?b=c")));
        Assert.That(Lines(seen.Headers), Is.EqualTo(new[] { "cookie: a=1", "cookie: b=ü", "x-forwarded-for: 203.0.113.9", "latin: é", "old: in value", "host: shop.example" }));
        var told = seen.Metadata;
        Assert.That((told.ClientIp, told.ClientPort, told.RequestId, told.ServerName), Is.EqualTo(("192.0.2.7", (ushort)4711, "r-1", "sni.example")));
        Assert.That((told.TlsVersion, told.Protocol, told.RouteId), Is.EqualTo(("TLSv1.3", "HTTP/2", "all")));
        Assert.That(answer.RequestHeaders.Response.HeaderMutation.Text(), Is.EqualTo("-x-sidecar-id -x_sidecar_action"), "nobody behind us may believe a client's");
    }

    [TestCase("r-1", "r-1")]
    [TestCase("", null)]
    public async Task RequestId_IsTheHeaders_WhereEnvoySendsNoAttribute(string header, string? expected)
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(last: true, headers: ("x-request-id", header)));

        var seen = agent.Seen.OfType<RequestHeadersEvent>().Single();
        Assert.That(seen.Metadata.RequestId, Is.EqualTo(expected ?? seen.CorrelationId.ToString()));
    }

    [TestCase("[2001:db8::1]:443", null, "2001:db8::1", 443)]
    [TestCase("192.0.2.7", 9.0, "192.0.2.7", 9)]
    [TestCase("/run/pipe", null, "", 0)]
    public async Task SourceAddress_IsAnAddressOrNothing(string address, double? port, string expected, int expectedPort)
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(
            Messages.Request(last: true).With([("source.address", address), .. port is { } number ? [("source.port", (object)number)] : Array.Empty<(string, object)>()]));

        var told = agent.Seen.OfType<RequestHeadersEvent>().Single().Metadata;
        Assert.That((told.ClientIp, (int)told.ClientPort), Is.EqualTo((expected, expectedPort)));
    }

    [TestCase("second", "second")]
    [TestCase("nobody's", "first")]
    [TestCase(null, "first")]
    public async Task Route_IsEnvoysWhereWeHaveOneOfThatName(string? told, string expected)
    {
        await using var agent = new LambdaAgent("a");
        var options =
            new HarnessOptions { Routes = static on => [new RouteModel { Id = "first", Stages = [[on("a")]] }, new RouteModel { Id = "second", Stages = [[on("a")]] }] };
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options, options, agent);
        var message = Messages.Request(last: true, headers: ("xds.route_name", "second"));
        await rig.AskAsync(told is null ? message : message.With(("xds.route_name", told)));
        await rig.AccountAsync();

        Assert.That(rig.Harness.Sums.Of("exchanges"), Is.EqualTo(new[] { $"envoy|{expected}|inspected|none=1" }));
    }

    [TestCase(":path", "a")]
    [TestCase(":path", "/a b")]
    [TestCase(":path", "/a\u0001")]
    [TestCase(":method", "GE T")]
    [TestCase("x-many", "501")]
    [TestCase("x-large", "131072")]
    public async Task RequestThatCannotBeJudged_IsRefused(string name, string value)
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(agent);
        var message = Messages.Request(last: true);
        var fields = message.RequestHeaders.Headers.Headers;
        if (name[0] == ':')
        {
            fields.Single(field => field.Key == name).RawValue = ByteString.CopyFromUtf8(value);
        }
        else
        {
            var count = name == "x-many" ? int.Parse(value, null) : 1;
            fields.AddRange(
                Enumerable.Range(0, count).Select(
                    _ => new HeaderValue { Key = name, RawValue = ByteString.CopyFromUtf8(new string('a', name == "x-many" ? 1 : int.Parse(value, null))) }));
        }

        Assert.That((await rig.AskAsync(message)).ImmediateResponse.Status.Code, Is.EqualTo(403));
        Assert.That(agent.Seen, Is.Empty);
        Assert.That(await rig.AccountAsync(), Is.EqualTo("refused|malformed"));
    }

    [Test]
    public async Task Connect_HasItsAuthorityForATarget()
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(new ProcessingRequest { RequestHeaders = new HttpHeaders { Headers = Messages.Map((":method", "CONNECT"), (":authority", "shop.example:443")) } });

        Assert.That(agent.Seen.OfType<RequestHeadersEvent>().Single().Uri, Is.EqualTo("shop.example:443"));
    }

    [TestCase(true, "x-envoy-retry-on", null, 503, "request-header-remove=1")]
    [TestCase(false, "x-envoy-retry-on", null, null, "request-header-remove=1")]
    [TestCase(true, "x-envoy-retry-on", "5xx", null, "request-header-set=1")]
    [TestCase(true, "x-envoy-absent", null, null, "")]
    public async Task EditThatEnvoyIgnores_IsNotSentButCounted(bool refuses, string name, string? value, int? status, string counted)
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = (_, _) => new(AgentResponse.Allow.WithRequestHeaders(
                value is null ? HeaderOperation.Remove(name) : HeaderOperation.Set(name, value), HeaderOperation.Set("kept", "1"))),
        };
        var options = new HarnessOptions { Routes = on => [new RouteModel { Id = "all", Stages = [[on("a")]], RefusesUnapplied = refuses }] };
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options, options, agent);
        var answer = await rig.AskAsync(Messages.Request(last: true, headers: ("x-envoy-retry-on", "reset")));

        Assert.That(answer.ImmediateResponse?.Status.Code, Is.EqualTo(status));
        Assert.That(answer.RequestHeaders?.Response.HeaderMutation.Text(), Is.EqualTo(status is null ? "kept=1" : null));
        Assert.That(rig.Harness.Sums.Of("operations.unapplied"), Is.EqualTo(counted.Length == 0 ? [] : new[] { "envoy|" + counted }));
        Assert.That(await rig.AccountAsync(), Is.EqualTo(status is null ? "inspected|none" : "refused|unapplied"));
    }

    [TestCase(BodySendMode.Buffered, "x=1 -gone", null)]
    [TestCase(BodySendMode.BufferedPartial, "x=1 -gone", null)]
    [TestCase(BodySendMode.Streamed, null, 503)]
    public async Task EditInTheAnswerAboutABody_CountsWhileTheHeadersWait(BodySendMode mode, string? edits, int? status)
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) => new(message is RequestBodyChunkEvent
                ? new AgentResponse { RequestHeaders = [HeaderOperation.Set("x", "1"), HeaderOperation.Remove("gone")] }
                : AgentResponse.Allow),
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.AskAsync(Messages.Request(request: mode, headers: ("gone", "secret")));
        var answer = await rig.AskAsync(Messages.Body(Direction.Request, "body", last: true));

        Assert.That(answer.ImmediateResponse?.Status.Code, Is.EqualTo(status));
        Assert.That(answer.RequestBody?.Response.HeaderMutation.Text().Split(' ').Order(), Is.EqualTo(edits?.Split(' ').Order()));
        Assert.That(rig.Harness.Sums.Sum("operations.unapplied"), Is.EqualTo(status is null ? 0 : 2));
    }

    [Test]
    public async Task EditInTheAnswerAboutABody_JoinsHeadersThatWaitInFullDuplex()
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { RequestBody = new() },
            Answers = static (message, _) => new(new AgentResponse { RequestHeaders = [HeaderOperation.Add("x", message is RequestBodyChunkEvent ? "2" : "1")] }),
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        await rig.TellAsync(Messages.Request(request: BodySendMode.FullDuplexStreamed));
        await rig.TellAsync(Messages.Body(Direction.Request, "body", last: true));

        Assert.That((await rig.NextAsync()).RequestHeaders.Response.HeaderMutation.Text(), Is.EqualTo("x+1 x+2"));
    }

    [Test]
    public async Task FullDuplex_SendsPiecesOf64KiB_InOrder_AndHeadersFirst()
    {
        await using var agent = new LambdaAgent("a") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { RequestBody = new() } };
        await using var rig = await ExtProcRig.StartAsync(agent);
        var body = string.Concat(Enumerable.Range(0, 40_000).Select(static i => $"{i:x5}"));
        await rig.TellAsync(Messages.Request(request: BodySendMode.FullDuplexStreamed));
        for (var at = 0; at < body.Length; at += 10_000)
        {
            await rig.TellAsync(Messages.Body(Direction.Request, body[at..(at + 10_000)], last: at + 10_000 == body.Length));
        }

        Assert.That((await rig.NextAsync()).RequestHeaders, Is.Not.Null);
        List<StreamedBodyResponse> pieces = [];
        while (pieces is not [.., { EndOfStream: true }])
        {
            pieces.Add((await rig.NextAsync()).RequestBody.Response.BodyMutation.StreamedResponse);
        }

        Assert.That(pieces.Select(static piece => piece.Body.Length), Is.EqualTo(new[] { 65_536, 65_536, 65_536, 3_392 }));
        Assert.That(string.Concat(pieces.Select(static piece => piece.Body.ToStringUtf8())), Is.EqualTo(body));
    }

    [Test]
    public async Task ThousandPieces_AreAnsweredOneByOneInOrder()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) => new(message is RequestBodyChunkEvent { ChunkIndex: var index } && index % 3 == 0
                ? new AgentResponse { RequestBodyMutation = new Protocol.Messages.BodyMutation(Encoding.UTF8.GetBytes($"<{index}>"), index) }
                : AgentResponse.Allow),
        };
        await using var rig = await ExtProcRig.StartAsync(agent);
        var passed = await new FakeEnvoy(rig, BodySendMode.Streamed).SendAsync(Direction.Request, [.. Enumerable.Range(0, 1000).Select(static i => $"({i})")]);

        Assert.That(passed!.Body, Is.EqualTo(string.Concat(Enumerable.Range(0, 1000).Select(static i => i % 3 == 0 ? $"<{i}>" : $"({i})"))));
        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
    }

    [Test]
    public async Task Observing_AsksAndRecordsAndAnswersNothing()
    {
        await using var agent =
            new LambdaAgent("a") { Answers = static (message, _) => new(message is ResponseHeadersEvent ? Answer.Block() : AgentResponse.Allow) };
        await using var rig = await ExtProcRig.StartAsync(agent);
        foreach (var message in new[]
        {
            Messages.Request(request: BodySendMode.Streamed, response: BodySendMode.Streamed), Messages.Body(Direction.Request, "a"),
            Messages.Body(Direction.Request, "b", last: true),
            Messages.Response(), Messages.Body(Direction.Response, "unasked", last: true),
        })
        {
            message.ObservabilityMode = true;
            await rig.TellAsync(message);
            await Eventually.TrueAsync(() => rig.Stream.IdleAsync().AsTask().IsCompleted, TimeSpan.FromSeconds(30), "the message");
        }

        Assert.That(await rig.AccountAsync(), Is.EqualTo("inspected|none"));
        Assert.That(
            agent.Seen.Take(4).Select(static seen => seen.Type),
            Is.EqualTo(new[] { MessageType.RequestHeaders, MessageType.RequestBodyChunk, MessageType.RequestBodyChunk, MessageType.ResponseHeaders }));
        Assert.That(rig.Harness.Sums.Of("verdicts"), Does.Contain("all|block=1"));
    }

    [Test]
    public async Task Observing_WhatCouldNotBeInspectedHasPassed()
    {
        await using var agent = new LambdaAgent("a") { IsAbsent = true };
        await using var rig = await ExtProcRig.StartAsync(agent);
        var message = Messages.Request(last: true);
        message.ObservabilityMode = true;
        await rig.TellAsync(message);

        Assert.That(await rig.AccountAsync(), Is.EqualTo("bypassed|agent-absent"));
    }

    [Test]
    public async Task Observing_WhereNobodyTellsTheMode_BodiesComePieceByPiece()
    {
        await using var agent = new LambdaAgent("a");
        await using var rig = await ExtProcRig.StartAsync(agent);
        foreach (var message in new[] { Messages.Request(), Messages.Body(Direction.Request, "one,"), Messages.Body(Direction.Request, "two", last: true) })
        {
            message.ObservabilityMode = true;
            await rig.TellAsync(message);
        }

        await rig.Stream.IdleAsync();
        Assert.That(string.Concat(agent.Seen.OfType<RequestBodyChunkEvent>().Select(static piece => Events.Text(piece.Data))), Is.EqualTo("one,two"));
    }

    [TestCase(7, null, TestName = "As many as Envoy takes")]
    [TestCase(8, 503, TestName = "One more: Envoy would answer 500")]
    public async Task HeadersThatEnvoyWouldNotTake_AreRefusedByUs(int added, int? status)
    {
        var operations = Enumerable.Range(0, added).Select(static i => HeaderOperation.Add("x-added", $"{i}")).Append(HeaderOperation.Remove("x-gone"));
        await using var agent = new LambdaAgent("a") { Answers = (_, _) => new(new AgentResponse { RequestHeaders = [.. operations] }) };
        await using var rig = await ExtProcRig.StartAsync(ExtProcRig.Options with { MaxEnvoyHeaders = 12 }, agent);

        // Five fields stay: four pseudo headers and one more.
        var answer = await rig.AskAsync(Messages.Request(last: true, headers: [("accept", "x"), ("x-gone", "y")]));

        Assert.That(answer.ImmediateResponse?.Status.Code, Is.EqualTo(status));
        Assert.That(rig.Harness.Sums.Of("operations.unapplied"), Is.EqualTo(status is null ? [] : new[] { "envoy|request-headers-too-many=1" }));
    }

    [Test]
    public async Task Id_IsInTheMetadataOfWhatPasses()
    {
        await using var rig = await ExtProcRig.StartAsync(new LambdaAgent("a"));

        var request = await rig.AskAsync(Messages.Request(last: true));

        Assert.That(request.DynamicMetadata.Fields["sidecar"].StructValue.Fields["id"].StringValue, Has.Length.EqualTo(32));
        Assert.That((await rig.AskAsync(Messages.Response(last: true))).DynamicMetadata, Is.Null, "once is enough");
    }

    [Test]
    public async Task Words_GoIntoTheMetadataOfOurNamespace()
    {
        await using var agent = LambdaAgent.That(
            "waf", Answer.Block() with { Audit = new AuditMetadata { RuleIds = ["942100", "942110"], Tags = ["sqli\n"], ReasonCodes = [new string('r', 2000)] } });
        await using var rig = await ExtProcRig.StartAsync(agent);
        var answer = await rig.AskAsync(Messages.Request(last: true));

        var fields = answer.DynamicMetadata.Fields["sidecar"].StructValue.Fields;
        Assert.That((fields["action"].StringValue, fields["agent"].StringValue, fields["rule"].StringValue), Is.EqualTo(("block", "waf", "942100,942110")));
        Assert.That((fields["tags"].StringValue, fields["reasons"].StringValue.Length, fields["said"].StringValue), Is.EqualTo(("sqli_", 1024, "waf:block")));
    }

    private static IEnumerable<string> Lines(HeaderBlock headers) =>
        Enumerable.Range(0, headers.Count).Select(i => $"{Encoding.UTF8.GetString(headers.Name(i))}: {Encoding.UTF8.GetString(headers.Value(i))}");
}
