using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Decide;

/// <summary>Questions about one phase: what agents see, what is refused, and how it is accounted.</summary>
internal sealed class DecideTests
{
    [Test]
    public async Task Agents_SeeTheRequestAsItWasTold()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync("""
            { "v": 1, "phase": "request", "tx": "t-1", "policy": "ignored", "context": { "tags": [ { "deep": [] } ] },
              "client": { "ip": "192.0.2.7", "port": 4711, "tls": { "version": "TLSv1.3", "sni": "sni.example", "cipher": "C" } },
              "request": { "method": "PUT", "authority": "App.example:8443", "path": "/a/../b", "query": "c=%2e", "version": "HTTP/2",
                "headers": [["Host", "app.example"], ["cookie", "a=1"], ["Cookie", "b=2"], ["x-raw", "/w==", "base64"], ["x-sidecar-id", "evil"],
                            ["x-esc", "\u00e4\ud83d\ude00\"\\\/\t"], ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]],
                "body": { "data": "YWI=", "encoding": "base64", "size": 2, "truncated": false } } }
            """);

        var seen = (RequestHeadersEvent)agent.Seen[0];
        var meta = seen.Metadata;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((seen.Method, seen.Uri, meta.Protocol), Is.EqualTo(("PUT", "/a/../b?c=%2e", "HTTP/2")));
            Assert.That((meta.ClientIp, meta.ClientPort, meta.RequestId, meta.ServerName), Is.EqualTo(("192.0.2.7", (ushort)4711, "t-1", "sni.example")));
            Assert.That((meta.TlsVersion, meta.TlsCipher, meta.RouteId), Is.EqualTo(("TLSv1.3", "C", "all")));
            Assert.That(meta.Traceparent, Does.StartWith("00-4bf92f"));
            Assert.That(seen.Headers.GetAll("cookie"), Is.EqualTo(new[] { "a=1", "b=2" }));
            Assert.That(seen.Headers.Get("x-raw"), Is.EqualTo("ÿ"));
            Assert.That(seen.Headers.Get("x-esc"), Is.EqualTo("ä😀\"\\/\t"));
            Assert.That(seen.Headers.Get("x-sidecar-id"), Is.Null);
            Assert.That(Events.Text(((RequestBodyChunkEvent)agent.Seen[1]).Data), Is.EqualTo("ab"));
            Assert.That(((RequestBodyChunkEvent)agent.Seen[1]).IsLast, Is.True);
            Assert.That((string?)answer["id"], Is.EqualTo(seen.CorrelationId.ToString()));
            Assert.That((string?)answer["tx"], Is.EqualTo("t-1"));
            Assert.That(answer.Text("request_headers"), Is.EqualTo("""[{"op":"remove","name":"x-sidecar-id"}]"""), "what a client must not send is taken away");
        }
    }

    [TestCase("x-sidecar-foo", "block", "refused", "malformed")]
    [TestCase("X_Sidecar-Foo", "block", "refused", "malformed")]
    [TestCase("x-sidecars", "allow", "inspected", "none")]
    public async Task OwnNameThatTheCallerCannotTakeAway_IsRefusedAndCounted(string name, string action, string state, string cause)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync($$"""
            { "v": 1, "phase": "request_headers", "request": { "method": "GET", "path": "/", "headers": [["{{name}}", "evil"]], "own_headers": "refuse" } }
            """);

        Assert.That((string?)answer["action"], Is.EqualTo(action));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { $"http:json|all|{state}|{cause}=1" }));
        Assert.That((agent.Seen.Count > 0, (int?)answer["reply"]?["status"]), Is.EqualTo((action == "allow", action == "allow" ? null : (int?)403)));
    }

    [Test]
    public async Task Agents_SeeTheResponseAsItWasTold()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);
        await harness.AskAsync(Questions.Request("t"));
        await harness.AskAsync(Questions.Response("t", 404, Questions.Body("gone")));

        // The end is told after the answer.
        await agent.SeenAsync(4);
        Assert.That(agent.Seen.Select(static one => one.Type), Is.EqualTo(new[]
        {
            MessageType.RequestHeaders, MessageType.ResponseHeaders, MessageType.ResponseBodyChunk, MessageType.RequestComplete,
        }));
        Assert.That(((ResponseHeadersEvent)agent.Seen[1]).Status, Is.EqualTo(404));
        Assert.That(((ResponseHeadersEvent)agent.Seen[1]).Headers.Get("server"), Is.EqualTo("x"));
        Assert.That(agent.Seen.Select(static one => one.CorrelationId).Distinct().Count(), Is.EqualTo(1));
    }

    [TestCase(FailureMode.Closed, "block", "closed", "refused")]
    [TestCase(FailureMode.Open, "allow", "open", "bypassed")]
    public async Task AgentAbsent_SaysWhichFallbackWasUsed(FailureMode mode, string action, string fallback, string state)
    {
        await using var agent = new LambdaAgent("a") { IsAbsent = true, Policy = LambdaAgent.PolicyOf(mode) };
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync(Questions.Request());

        Assert.That((answer.Action(), (bool)answer["degraded"]!, (string?)answer["fallback"], (string?)answer["cause"]), Is.EqualTo((action, true, fallback, "agent-absent")));
        Assert.That(answer["reply"] is null, Is.EqualTo(mode == FailureMode.Open));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { $"http:json|all|{state}|agent-absent=1" }));
    }

    [Test]
    public async Task Deadline_OfTheCallerBoundsThePhase()
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed, TimeSpan.FromHours(1)),
            Answers = static async (message, cancellation) =>
            {
                if (message is RequestHeadersEvent)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                return AgentResponse.Allow;
            },
        };
        var options = new JsonListenerOptions { Name = "http:json", Budget = TimeSpan.FromHours(1) };
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions(), options, agent);

        // Without it the phase would take an hour.
        var answer = await harness.AskAsync(Questions.Request(more: """ "deadline_ms": 20, """)).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.That((answer.Action(), answer.Reply(), (string?)answer["cause"]), Is.EqualTo(("block", 504, "timeout")));
    }

    [TestCase("\"method\":\"G T\"")]
    [TestCase("\"path\":\"no-slash\"")]
    [TestCase("\"path\":\"/a b\"")]
    [TestCase("\"path\":\"/a\\u0000\"")]
    [TestCase("\"query\":\"a\\r\\nb\"")]
    [TestCase("\"headers\":[[\"a b\",\"1\"]]")]
    [TestCase("\"headers\":[[\"\",\"1\"]]")]
    [TestCase("\"headers\":[[\":path\",\"1\"]]")]
    [TestCase("\"headers\":[[\"a\",\"1\\r\\nb: 2\"]]")]
    [TestCase("\"headers\":[[\"a\",\"AA==\",\"base64\"]]")]
    [TestCase("\"headers\":[[\"host\",\"other.example\"]]")]
    public async Task WhatAClientCanCause_IsADecisionNotAnError(string field)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync($$"""{"phase":"request","request":{"method":"GET","authority":"shop.example","path":"/",{{field}} } }""");

        Assert.That((answer.Action(), answer.Reply(), (string?)answer["cause"]), Is.EqualTo(("block", 403, "malformed")));
        Assert.That(agent.Seen, Is.Empty);
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|refused|malformed=1" }));
    }

    [TestCase(11, 100)]
    [TestCase(2, 1000)]
    public async Task MoreHeadersThanInspected_AreRefused(int count, int length)
    {
        await using var agent = new LambdaAgent("a");
        var options = new JsonListenerOptions { Name = "http:json", Budget = TimeSpan.FromMinutes(1), MaxHeaders = 10, MaxHeaderBytes = 1500 };
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions(), options, agent);
        var headers = string.Join(',', Enumerable.Repeat($"[\"n\",\"{new string('v', length)}\"]", count));

        Assert.That((await harness.AskAsync(Questions.Request(headers: headers))).Reply(), Is.EqualTo(403));
        Assert.That(
            (await harness.AskAsync(Questions.Request(headers: headers[..(headers.IndexOf(']', StringComparison.Ordinal) + 1)]))).Action(), Is.EqualTo("allow"));
    }

    [Test]
    public async Task BytesThatAreNoUtf8_ReachTheAgents()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);
        var text = System.Text.Encoding.Latin1.GetBytes(
            "{\"phase\":\"request\",\"request\":{\"method\":\"GET\",\"path\":\"/\u00ff\\n\",\"path\":\"/\u00ffx\",\"headers\":[[\"a\",\"\u00e4\\u00e4\"]],\"body\":{\"data\":\"\u00ff\\u0000\u00fe\",\"truncated\":false}}}");

        using var answer = await harness.DecideAsync(text);

        var seen = (RequestHeadersEvent)agent.Seen[0];
        Assert.That((seen.Uri, seen.Headers.Get("a")), Is.EqualTo(("/ÿx", "äÃ¤")), "Latin-1, because the whole is no UTF-8");
        Assert.That(((RequestBodyChunkEvent)agent.Seen[1]).Data.ToArray(), Is.EqualTo(new byte[] { 0xFF, 0, 0xFE }), "a body is bytes");
        Assert.That(answer.Body, Is.Null);
    }

    [Test]
    public async Task ClientGone_CancelsTheCallsAndIsAbandoned()
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
        var asking = harness.AskAsync(Questions.Request(), gone.Token);
        await agent.SeenAsync(1);
        await gone.CancelAsync();

        Assert.That((string?)(await asking)["cause"], Is.EqualTo("client-gone"));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|abandoned|client-gone=1" }));
    }

    [Test]
    public async Task RouteWithoutAgents_AllowsAndIsNotSubject()
    {
        await using var harness = await JsonHarness.StartAsync();
        var answer = await harness.AskAsync(Questions.Request("t", body: Questions.Body("b")));
        Assert.That((answer.Action(), answer.Text("request_body")), Is.EqualTo(("allow", "null")));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|not-subject|none=1" }));
    }

    [Test]
    public async Task Want_SaysWhatAgentsStillWantToSee()
    {
        await using var agent = new LambdaAgent("a")
        {
            Supports = EventSet.RequestHeaders | EventSet.RequestBodyChunk | EventSet.ResponseHeaders,
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { RequestBody = new BodyPolicy { MaxBytes = 65536 } },
        };
        await using var harness = await JsonHarness.StartAsync(agent);

        Assert.That((await harness.AskAsync(Questions.Request("t", phase: "request_headers"))).Text("want"),
            Is.EqualTo("""{"request_body":"full","response_headers":true,"response_body":"none","max_body":65536}"""));
        Assert.That((await harness.AskAsync(Questions.Part("t", Questions.Body("x")))).Text("want"),
            Is.EqualTo("""{"request_body":"none","response_headers":true,"response_body":"none","max_body":0}"""));
        Assert.That((await harness.AskAsync(Questions.Response("t", phase: "response_headers"))).Text("want"),
            Is.EqualTo("""{"request_body":"none","response_headers":false,"response_body":"none","max_body":0}"""));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|inspected|none=1" }), "nobody wants more");
    }
}
