using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;
using Say = Sidecar.Protocol.Sdk.Answer;

namespace Sidecar.Tests.FrontEnds.Decide;

/// <summary>Questions that belong together, and those that only look so.</summary>
internal sealed class PhaseJoinTests
{
    [Test]
    public async Task Phases_OfOneTxAreOneExchange()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);
        await harness.AskAsync(Questions.Request("t", phase: "request_headers"));
        await harness.AskAsync(Questions.Part("t", Questions.Body("b")));
        await harness.AskAsync(Questions.Response("t", phase: "response_headers"));
        await harness.AskAsync(Questions.Response("t", body: Questions.Body("r")));

        await agent.SeenAsync(5);
        Assert.That(agent.Seen.Select(static one => one.Type), Is.EqualTo(new[]
        {
            MessageType.RequestHeaders, MessageType.RequestBodyChunk, MessageType.ResponseHeaders, MessageType.ResponseBodyChunk, MessageType.RequestComplete,
        }));
        Assert.That(agent.Seen.Select(static one => one.CorrelationId).Distinct().Count(), Is.EqualTo(1));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|inspected|none=1" }));
        Assert.That(harness.DecisionService.Exchanges.Count, Is.Zero);
    }

    // The reference told HTTP/1.1 and no TLS whatever there was, and made a new id for each event.
    [Test]
    public async Task Defect53_AgentIsToldWhatTheProxyKnows_AndEveryEventIsOfOneRequest()
    {
        const string Client = """ "client": { "ip": "2001:db8::7", "port": 4711, "tls": { "version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "sni": "shop.example" } }, """;
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);
        await harness.AskAsync(Questions.Request("t", phase: "request_headers", more: Client).Replace("\"method\"", "\"version\":\"HTTP/3\",\"method\"", StringComparison.Ordinal));
        await harness.AskAsync(Questions.Part("t", Questions.Body("b")));
        await harness.AskAsync(Questions.Response("t"));
        await agent.SeenAsync(4);
        var told = ((RequestHeadersEvent)agent.Seen[0]).Metadata;
        Assert.That((told.ClientIp, told.ClientPort, told.Protocol), Is.EqualTo(("2001:db8::7", (ushort)4711, "HTTP/3")));
        Assert.That((told.TlsVersion, told.TlsCipher, told.ServerName, told.RequestId), Is.EqualTo(("TLSv1.3", "TLS_AES_128_GCM_SHA256", "shop.example", "t")));
        Assert.That(agent.Seen.Select(static one => one.CorrelationId), Is.All.EqualTo(agent.Seen[0].CorrelationId), "by it an agent finds what it was told");
    }

    [Test]
    public async Task Ends_LeavesNothingOpenAlthoughAnAgentWantsTheResponse()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);
        var first = await harness.AskAsync(Questions.Request("t", body: Questions.Body("b", final: false)));
        var last = await harness.AskAsync($$"""{"phase":"request","tx":"t","ends":true,"request":{"body":{{Questions.Body("c", part: 1)}} } }""");

        Assert.That((first.Action(), last.Action()), Is.EqualTo(("continue", "allow")));
        Assert.That(harness.DecisionService.Exchanges.Count, Is.Zero);
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|inspected|none=1" }));
    }

    [Test]
    public async Task Response_OfAnUnknownTxMayRepeatTheRequest()
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow
            .WithRequestHeaders(HeaderOperation.Set("x-user", "u")).WithResponseHeaders(HeaderOperation.Add("x-seen", "1")));
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync(Questions.Response("t", body: Questions.Body("r"), more: """ "request": { "method": "GET", "path": "/p" }, """));

        Assert.That(answer.Action(), Is.EqualTo("allow"));
        Assert.That(answer.Text("request_headers"), Is.EqualTo("[]"), "the request has gone");
        Assert.That(answer["response_headers"]!.AsArray(), Has.Count.EqualTo(3), "what it said of the request, the headers and the body");
        Assert.That(((RequestHeadersEvent)agent.Seen[0]).Uri, Is.EqualTo("/p"));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|inspected|none=1" }));
    }

    [TestCase(FailureMode.Closed, "block", "closed", "refused")]
    [TestCase(FailureMode.Open, "allow", "open", "bypassed")]
    public async Task Unknown_FollowsTheListenersFailureMode(FailureMode mode, string action, string fallback, string state)
    {
        await using var agent = new LambdaAgent("a");
        var options = new JsonListenerOptions { Name = "http:json", Budget = TimeSpan.FromMinutes(1), UnknownExchange = mode };
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions(), options, agent);
        string[] questions = [
            Questions.Response("t"), Questions.Response(null), Questions.Part("t", Questions.Body("b")), Questions.Part("t", Questions.Body("b", part: 3))];
        foreach (var question in questions)
        {
            var answer = await harness.AskAsync(question);
            Assert.That((answer.Action(), (string?)answer["fallback"], (string?)answer["cause"]), Is.EqualTo((action, fallback, "exchange-unknown")), question);
        }

        Assert.That(agent.Seen, Is.Empty);
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { $"http:json|none|{state}|exchange-unknown=4" }));
    }

    [Test]
    public async Task NewRequest_OfAnOpenTxSupersedes()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);
        await harness.AskAsync(Questions.Request("t", "/1"));
        await harness.AskAsync(Questions.Request("t", "/2"));
        await harness.AskAsync(Questions.Response("t"));

        await Eventually.TrueAsync(() => agent.Seen.OfType<ResponseHeadersEvent>().Any(), TimeSpan.FromSeconds(30), "the response");
        var second = agent.Seen.OfType<RequestHeadersEvent>().Single(static one => one.Uri == "/2");
        Assert.That(agent.Seen.OfType<ResponseHeadersEvent>().Single().CorrelationId, Is.EqualTo(second.CorrelationId));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|abandoned|superseded=1", "http:json|all|inspected|none=1" }));
    }

    [Test]
    public async Task Response_WhileTheRequestIsAskedCancelsIt()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static async (message, cancellation) =>
            {
                if (message is RequestBodyChunkEvent)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                return AgentResponse.Allow;
            },
        };
        await using var harness = await JsonHarness.StartAsync(agent);
        var request = harness.AskAsync(Questions.Request("t", body: Questions.Body("b")));
        await agent.SeenAsync(2);
        var response = await harness.AskAsync(Questions.Response("t"));

        Assert.That((string?)(await request)["cause"], Is.EqualTo("superseded"));
        Assert.That(response["error"], Is.Null);
        Assert.That(await harness.Daemon.EndedAsync(), Has.Some.Contain("abandoned|superseded=1").Or.Some.Contain("refused|owed=1"));
    }

    [Test]
    public async Task Expiry_EndsAnExchangeOfWhichNothingMoreIsTold()
    {
        var time = new FakeTimeProvider();
        await using var agent = new LambdaAgent("a");
        var options = new JsonListenerOptions { Name = "http:json", Budget = TimeSpan.FromMinutes(1) };
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions { Time = time }, options, agent);
        await harness.AskAsync(Questions.Request("t"));
        Assert.That(harness.DecisionService.Exchanges.Count, Is.EqualTo(1));
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.That(harness.DecisionService.Exchanges.Count, Is.EqualTo(1));
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.That(harness.DecisionService.Exchanges.Count, Is.Zero);
        Assert.That((string?)(await harness.AskAsync(Questions.Response("t")))["cause"], Is.EqualTo("exchange-unknown"));
        Assert.That(harness.Daemon.Sums.Of("exchanges"), Does.Contain("http:json|all|abandoned|no-response=1"));
    }

    [Test]
    public async Task Exchange_StaysOnlyWhileSomethingIsToCome()
    {
        await using var agent = new LambdaAgent("a") { Supports = EventSet.RequestHeaders | EventSet.RequestComplete };
        await using var harness = await JsonHarness.StartAsync(agent);
        await harness.AskAsync(Questions.Request("short"));
        Assert.That(harness.DecisionService.Exchanges.Count, Is.Zero, "no agent wants the response");
        await harness.AskAsync(Questions.Request("told", more: """ "complete": true, """));
        Assert.That(harness.DecisionService.Exchanges.Count, Is.EqualTo(1), "its end will be told");

        var (tx, facts) = DecideRequestReader.ReadEnd("""{"tx":"told","status":207,"duration_ms":12,"request_bytes":3,"response_bytes":4,"upstream_attempts":2,"error":"e","x":[1]}"""u8);
        harness.DecisionService.Exchanges.Complete(tx, facts);
        harness.DecisionService.Exchanges.Complete("nobody", facts);

        await Eventually.TrueAsync(() => agent.Seen.OfType<RequestCompleteEvent>().Count() == 2, TimeSpan.FromSeconds(30), "both ends");
        var told = agent.Seen.OfType<RequestCompleteEvent>().Single(static one => one.Status != 0);
        Assert.That(
            (told.Status, told.DurationMs, told.RequestBodySize, told.ResponseBodySize, told.UpstreamAttempts, told.Error),
            Is.EqualTo(((ushort)207, 12ul, 3ul, 4ul, 2u, "e")));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|inspected|none=2" }));
    }

    [Test]
    public async Task GivenUp_TheResponseCanStillBeAsked()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static async (message, cancellation) =>
            {
                if (message is RequestHeadersEvent)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                return AgentResponse.Allow;
            },
        };
        await using var harness = await JsonHarness.StartAsync(agent);
        using var gone = new CancellationTokenSource();
        var asking = harness.AskAsync(Questions.Request("t"), gone.Token);
        await agent.SeenAsync(1);
        await gone.CancelAsync();
        await asking;

        Assert.That(harness.DecisionService.Exchanges.Count, Is.EqualTo(1));
        Assert.That((string?)(await harness.AskAsync(Questions.Response("t"), CancellationToken.None))["cause"], Is.Not.EqualTo("exchange-unknown"));
    }

    [Test]
    public async Task TooManyExchanges_IsOverload()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions { MaxExchanges = 1 }, null, agent);
        await harness.AskAsync(Questions.Request("1"));

        using var answer = await harness.DecideAsync(System.Text.Encoding.UTF8.GetBytes(Questions.Request("2")));
        Assert.That((answer.Error!.Status, answer.Error.Code), Is.EqualTo((503, "overloaded")));
        Assert.That((await harness.AskAsync(Questions.Request())).Action(), Is.EqualTo("allow"), "one that nothing follows needs no place");
        Assert.That(harness.Daemon.Sums.Of("exchanges"), Is.EqualTo(new[] { "http:json|all|inspected|none=1", "http:json|all|refused|too-many-exchanges=1" }));
    }

    [Test]
    public async Task Block_OfTheResponseReplacesIt()
    {
        await using var agent =
            new LambdaAgent("a") { Answers = static (message, _) => new(message is ResponseBodyChunkEvent ? Say.Block(502).WithBody("leak") : AgentResponse.Allow) };
        await using var harness = await JsonHarness.StartAsync(agent);
        await harness.AskAsync(Questions.Request("t"));

        var answer = await harness.AskAsync(Questions.Response("t", body: Questions.Body("secret")));

        Assert.That((answer.Action(), answer.Reply(), (string?)answer["reply"]!["body"]), Is.EqualTo(("block", 502, "leak")));
        Assert.That(harness.DecisionService.Exchanges.Count, Is.Zero);
    }
}
