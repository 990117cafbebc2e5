using Google.Protobuf;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Grpc;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.FrontEnds.Common;
using Sidecar.Tests.Support;
using HealthCheckRequest = Sidecar.Protocol.Grpc.Wire.HealthCheckRequest;
using HealthCheckResponse = Sidecar.Protocol.Grpc.Wire.HealthCheckResponse;

namespace Sidecar.Tests.FrontEnds.ExtAuthz;

/// <summary>ext_authz over gRPC: decisions, both forms of headers, bodies (proxy integration §3.2).</summary>
internal sealed class AuthzServiceTests
{
    private static readonly TestCaseData[] Refusals =
    [
        new TestCaseData(Answer.Block(418).WithBody("no").WithHeader("x-why", "waf"), 7, 418, "no", "x-why=waf"),
        new TestCaseData(Answer.Block(200).WithBody("fine"), 7, 200, "fine", ""),
        new TestCaseData(Answer.Redirect("https://example.org/ä"), 7, 302, "<!doctype html>", "location=https://example.org/%C3%A4"),
        new TestCaseData(Answer.Challenge("Bearer", ("realm", "shop")), 16, 401, "<!doctype html>", "www-authenticate=Bearer realm=\"shop\""),
    ];

    [TestCaseSource(nameof(Refusals))]
    public async Task Refusal_IsADeniedResponse(AgentResponse said, int code, int status, string body, string header)
    {
        await using var agent = LambdaAgent.That("waf", said);
        await using var server = await EnvoyServer.StartAsync(agent);

        var answer = await server.CheckAsync(Messages.Question());

        Assert.That((answer.Status.Code, answer.DeniedResponse.Status.Code), Is.EqualTo((code, status)));
        Assert.That(answer.DeniedResponse.Body, Does.StartWith(body));
        Assert.That(Text(answer.DeniedResponse.Headers), Does.Contain(header));
        Assert.That(answer.DynamicMetadata.Fields["agent"].StringValue, Is.EqualTo("waf"));
    }

    [Test]
    public async Task Allow_CarriesEdits()
    {
        await using var agent = LambdaAgent.That("auth", Answer.Allow
            .WithRequestHeaders(HeaderOperation.Set("x-user", "jürgen"), HeaderOperation.Add("x-tag", "b"), HeaderOperation.Remove("x-secret"))
            .WithResponseHeaders(HeaderOperation.Set("x-frame-options", "DENY"), HeaderOperation.Add("set-cookie", "a=1"), HeaderOperation.Remove("server")));
        await using var server = await EnvoyServer.StartAsync(agent);

        var answer = await server.CheckAsync(Messages.Question(("x-secret", "s"), ("x-sidecar-id", "forged")));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status.Code, Is.Zero);
            Assert.That(Text(answer.OkResponse.Headers).Split(' '), Is.EquivalentTo(new[] { "x-user=jürgen", "x-tag+b" }));
            Assert.That(answer.OkResponse.HeadersToRemove, Is.EquivalentTo(new[] { "x-secret", "x-sidecar-id", "x-envoy-auth-partial-body" }), "a client's own mark goes on unseen");
            Assert.That(Text(answer.OkResponse.ResponseHeadersToAdd).Split(' '), Is.EquivalentTo(new[] { "x-frame-options=DENY", "set-cookie+a=1" }));
            Assert.That(server.Harness.Sums.Of("operations.unapplied").Single(), Does.EndWith("|response-header-remove=1"));
            Assert.That(await server.AccountAsync(), Is.EqualTo("inspected|none"));
        }
    }

    [TestCase(":method")]
    [TestCase(":path")]
    public async Task QuestionThatDoesNotSayWhatItAsksFor_IsOnNoRoute(string missing)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(agent);
        var question = Messages.Question();
        var asked = question.Attributes.Request.Http;
        asked.Headers.Remove(missing);
        (asked.Method, asked.Path) = missing == ":path" ? (asked.Method, "") : ("", asked.Path);
        await server.CheckAsync(question);

        Assert.That(await server.Harness.EndedAsync(), Is.EqualTo(new[] { "envoy:envoy|none|refused|malformed=1" }));
        Assert.That(server.Harness.Sums.Of("agent.exchanges"), Is.Empty);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task BothFormsOfHeaders_GiveTheSameEvent(bool raw)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(agent);
        (string, string)[] headers = [(":path", "/a?b=c"), ("accept", "x"), ("x-request-id", "r-1"), ("X-Name", "ä")];

        await server.CheckAsync(raw ? RawQuestion(headers) : Messages.Question(headers));

        var seen = agent.Seen.OfType<RequestHeadersEvent>().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((seen.Method, seen.Uri, seen.Headers.Get("host"), seen.Headers.Get("x-name")), Is.EqualTo(("POST", "/a?b=c", "shop.example", "ä")));
            var told = seen.Metadata;
            Assert.That((told.RequestId, told.ClientIp, told.ClientPort, told.ServerName, told.Protocol), Is.EqualTo(("r-1", "192.0.2.7", (ushort)4711, "sni.example", "HTTP/2")));
            Assert.That(seen.Headers.Get("x-envoy-auth-partial-body"), Is.Null);
        }
    }

    [Test]
    public async Task RawHeaders_KeepDuplicatesAndLatin1()
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(agent);
        var question = RawQuestion(("cookie", "a"), ("cookie", "b"));
        question.Attributes.Request.Http.HeaderMap.Headers.Add(new HeaderValue { Key = "x-l", RawValue = ByteString.CopyFrom(0xE4) });

        await server.CheckAsync(question);

        var seen = agent.Seen.OfType<RequestHeadersEvent>().Single();
        Assert.That(string.Join('|', seen.Headers.GetAll("cookie").Append(seen.Headers.Get("x-l"))), Is.EqualTo("a|b|ä"));
    }

    [TestCase("hello", null, false, "hello last", 0)]
    [TestCase("hello", "false", true, "hello last", 0)]
    [TestCase("hello", "true", false, "hello last", 0)]
    [TestCase("", null, false, "", 0)]
    public async Task Body_IsShownInOnePiece(string body, string? partial, bool packed, string expected, int code)
    {
        var policy = LambdaAgent.PolicyOf(FailureMode.Closed);
        await using var agent = new LambdaAgent("waf") { Policy = policy with { RequestBody = policy.RequestBody with { OnExcess = ExcessAction.Partial } } };
        await using var server = await EnvoyServer.StartAsync(agent);
        var question = Messages.Question(partial is null ? [] : [("x-envoy-auth-partial-body", partial)]);
        question.Attributes.Request.Http.Body = packed ? "" : body;
        question.Attributes.Request.Http.RawBody = ByteString.CopyFromUtf8(packed ? body : "");

        var answer = await server.CheckAsync(question);

        var seen = agent.Seen.OfType<RequestBodyChunkEvent>().Select(
            static chunk => System.Text.Encoding.UTF8.GetString(chunk.Data.Span) + (chunk.IsLast ? " last" : ""));
        Assert.That((string.Join('|', seen), answer.Status.Code), Is.EqualTo((expected, code)));
        Assert.That(await server.AccountAsync(), Is.EqualTo(partial == "true" ? "partly|truncated" : "inspected|none"));
    }

    /// <summary>Envoy puts an exclamation mark for a byte that is no text, and an agent cannot tell it from the client's own.</summary>
    [TestCase("a!b", false, false, "refused|truncated")]
    [TestCase("a!b", false, true, "inspected|none")]
    [TestCase("a!b", true, false, "inspected|none")]
    [TestCase("ab", false, false, "inspected|none")]
    public async Task BodyAsText_IsNeverTakenForTheClientsBytes(string body, bool packed, bool isAllowed, string account)
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(new EnvoyOptions { AllowsTextForm = isAllowed }, new HarnessOptions(), agent);
        var question = Messages.Question();
        question.Attributes.Request.Http.Body = packed ? "" : body;
        question.Attributes.Request.Http.RawBody = ByteString.CopyFromUtf8(packed ? body : "");

        await server.CheckAsync(question);

        Assert.That(await server.AccountAsync(), Is.EqualTo(account));
        Assert.That(server.Harness.Inspector.Warnings.All.Count(static text => text.Contains("pack_as_bytes", StringComparison.Ordinal)), Is.EqualTo(packed ? 0 : 1));
        Assert.That(server.Harness.Inspector.Warnings.All.Count(static text => text.Contains("encode_raw_headers", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    /// <summary>Envoy makes the reply's body the message of a gRPC status.</summary>
    [Test]
    public async Task GrpcClient_IsToldInOneLineAndNeverByAPage([Values] bool hasWords)
    {
        await using var agent = LambdaAgent.That("waf", hasWords ? Answer.Block(418).WithBody("no entry") : Answer.Block(418));
        await using var server = await EnvoyServer.StartAsync(agent);

        var denied = (await server.CheckAsync(Messages.Question(("content-type", "application/grpc+proto")))).DeniedResponse;

        Assert.That((denied.Status.Code, denied.Body), Is.EqualTo((418, hasWords ? "no entry" : "418 Request Refused")));
        Assert.That(denied.Headers.Select(static one => one.Header.Key), Has.No.Member("content-type"));
        Assert.That(Text(denied.Headers), Does.Contain("grpc-status=7"));
    }

    [Test]
    public async Task RouteThatTheFilterNamesAndNobodyDefined_IsToldOf()
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(agent);
        var question = Messages.Question();
        question.Attributes.ContextExtensions["route"] = "tpyo";

        await server.CheckAsync(question);

        Assert.That(server.Harness.Inspector.Warnings.All, Has.One.Contains("names the route 'tpyo'"));
    }

    [Test]
    public async Task ChangedBody_IsRefusedBecauseNothingCarriesIt()
    {
        await using var agent = new LambdaAgent("waf")
        {
            Answers = static (message, _) => new(message is RequestBodyChunkEvent ? Answer.Allow.WithRequestBody("other"u8.ToArray(), 0) : AgentResponse.Allow),
        };
        await using var server = await EnvoyServer.StartAsync(agent);
        var question = Messages.Question();
        question.Attributes.Request.Http.Body = "hello";

        Assert.That((await server.CheckAsync(question)).DeniedResponse?.Status.Code, Is.EqualTo(503));
        Assert.That(await server.AccountAsync(), Is.EqualTo("refused|unapplied"));
    }

    [Test]
    public async Task ContextExtension_ChoosesTheRoute()
    {
        await using var first = LambdaAgent.That("first", Answer.Block());
        await using var second = new LambdaAgent("second");
        RouteModel Route(string id, RouteAgent agent) => new() { Id = id, Stages = [[agent]] };
        await using var server = await EnvoyServer.StartAsync(
            new EnvoyOptions(), new HarnessOptions { Routes = on => [Route("one", on("first")), Route("two", on("second"))] }, first, second);
        var question = Messages.Question();
        question.Attributes.ContextExtensions["route"] = "two";

        Assert.That((await server.CheckAsync(question)).Status.Code, Is.Zero);
        Assert.That((await server.CheckAsync(Messages.Question())).Status.Code, Is.EqualTo(7));
    }

    [Test]
    public async Task TimeThatEnvoyGives_BoundsTheAgents()
    {
        var clock = new FakeTimeProvider();
        await using var agent = new LambdaAgent("waf") { Policy = LambdaAgent.PolicyOf(FailureMode.Closed, TimeSpan.FromHours(1)) };
        agent.Answers = static async (message, cancellation) =>
        {
            if (message is RequestHeadersEvent)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            }

            return AgentResponse.Allow;
        };
        await using var server = await EnvoyServer.StartAsync(new EnvoyOptions(), new HarnessOptions { Time = clock, Budget = TimeSpan.FromHours(1) }, agent);
        var asking = server.AskAsync(Messages.Question(), TimeSpan.FromMinutes(5));
        await agent.SeenAsync(1);

        // A fifth is left for the way back.
        clock.Advance(TimeSpan.FromMinutes(4) - TimeSpan.FromTicks(1));
        Assert.That(agent.Cancels, Is.Empty);
        Assert.That(asking.IsCompleted, Is.False);
        clock.AdvanceTicks(1);
        var reply = await asking;

        Assert.That((reply.Status.Code, reply.Message?.DeniedResponse?.Status.Code), Is.EqualTo((GrpcStatusCode.Ok, (int?)504)));
    }

    [Test]
    public async Task QuestionsThatCannotBeJudged_AreAccounted()
    {
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(new EnvoyOptions { MaxMessageBytes = 256 * 1024 }, new HarnessOptions(), agent);
        var large = Messages.Question();
        large.Attributes.Request.Http.Body = new string('x', 300 * 1024);
        var line = Messages.Question();
        line.Attributes.Request.Http.Path = "no slash";

        Assert.That((await server.CheckAsync(large)).DeniedResponse.Status.Code, Is.EqualTo(413));
        Assert.That((await server.CheckAsync(line)).DeniedResponse.Status.Code, Is.EqualTo(403));
        Assert.That((await server.CheckAsync(new CheckRequest())).DeniedResponse.Status.Code, Is.EqualTo(403));
        var ended = await server.Harness.EndedAsync();
        Assert.That(ended.Count(static ending => ending.Contains("|refused|", StringComparison.Ordinal)), Is.EqualTo(ended.Count));
        Assert.That(server.Harness.Sums.Sum("exchanges"), Is.EqualTo(3));
    }

    [TestCase("", HealthCheckResponse.Types.ServingStatus.Serving)]
    [TestCase("envoy.service.auth.v3.Authorization", HealthCheckResponse.Types.ServingStatus.Serving)]
    public async Task Health_SaysWhetherAgentsAreMissing(string service, HealthCheckResponse.Types.ServingStatus expected)
    {
        await using var server = await EnvoyServer.StartAsync();

        Assert.That((await HealthAsync(server, service)).Message?.Status, Is.EqualTo(expected));
        server.Missing = ["waf"];
        Assert.That((await HealthAsync(server, service)).Message?.Status, Is.EqualTo(HealthCheckResponse.Types.ServingStatus.NotServing));
        Assert.That((await HealthAsync(server, "other")).Status.Code, Is.EqualTo(GrpcStatusCode.NotFound));
    }

    private static async Task<Sidecar.Protocol.Grpc.Client.GrpcReply<HealthCheckResponse>> HealthAsync(EnvoyServer server, string service) =>
        await server.Channel.AskAsync("/grpc.health.v1.Health/Check", new HealthCheckRequest { Service = service }, HealthCheckResponse.Parser, null, CancellationToken.None);

    private static CheckRequest RawQuestion(params (string Name, string Value)[] headers)
    {
        var question = Messages.Question();
        question.Attributes.Request.Http.Headers.Clear();
        question.Attributes.Request.Http.HeaderMap = Messages.Map(headers);
        return question;
    }

    // Both ways to append must agree, and the value must be text.
    private static string Text(IEnumerable<HeaderValueOption> options) => string.Join(' ', options.Select(static option =>
    {
        var isAdded = option.Append == true;
        var agrees = option.AppendAction == (
            isAdded ? HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd : HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd)
            && option.Header.RawValue.IsEmpty;
        return agrees ? option.Header.Key + (isAdded ? "+" : "=") + option.Header.Value : "inconsistent " + option;
    }));
}
