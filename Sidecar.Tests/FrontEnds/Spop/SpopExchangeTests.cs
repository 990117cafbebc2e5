using System.Net;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>Request and response of one exchange, on whichever connections they come, and what is told of them.</summary>
internal sealed class SpopExchangeTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Request_BecomesTheEvent()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        await peer.AskAsync(SpopProxy.NotifyFrame(1, 1, "sidecar-request",
            ("id", "tx-1"), ("src", IPAddress.Parse("2001:db8::1")), ("src_port", 4711L), ("method", "PUT"), ("uri", "https://shop.example.org:8443/a%2fb?"), ("ver", "2.0"), ("len", 400L), ("whole", true),
            ("sni", "other.example"), ("tls-version", "TLSv1.3"), ("tls-cipher", "AES"), ("geo_country", "DE"), ("score", 17L), ("internal", true), ("dst", IPAddress.Loopback), ("none", null),
            ("headers", SpopProxy.HeaderBlock(("host", "Shop.example.org:8443"), ("x-sidecar-arg-score", "0"), ("X_Sidecar_Id", "1"), ("connection", "close"), ("x-a", "1"), ("x-a", "2")))));

        var seen = agent.Seen.OfType<RequestHeadersEvent>().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((seen.Method, seen.Uri), Is.EqualTo(("PUT", "/a%2fb?")));
            Assert.That(seen.Metadata with { Timestamp = "" }, Is.EqualTo(new RequestMetadata
            {
                RequestId = "tx-1",
                ClientIp = "2001:db8::1",
                ClientPort = 4711,
                ServerName = "Shop.example.org",
                Protocol = "HTTP/2",
                TlsVersion = "TLSv1.3",
                TlsCipher = "AES",
                RouteId = "all",
            }));
            Assert.That(Enumerable.Range(0, seen.Headers.Count).Select(i => $"{System.Text.Encoding.ASCII.GetString(seen.Headers.Name(i))}={System.Text.Encoding.ASCII.GetString(seen.Headers.Value(i))}"),
                Is.EquivalentTo(new[]
                {
                    "host=Shop.example.org:8443", "x-a=1", "x-a=2",
                    "x-sidecar-arg-geo-country=DE", "x-sidecar-arg-score=17", "x-sidecar-arg-internal=true", "x-sidecar-arg-dst=127.0.0.1",
                }));
        }
    }

    [TestCase("GET", "http://shop.example.org", "/")]
    [TestCase("GET", "http://shop.example.org?x", "/?x")]
    [TestCase("OPTIONS", "http://shop.example.org", "*")]
    public async Task AbsoluteTargetWithoutAPath_IsTheRoot_AndNotRefused(string method, string uri, string seen)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request(method: method, path: uri));

        Assert.That(answer["act"], Is.EqualTo("allow"));
        Assert.That(agent.Seen.OfType<RequestHeadersEvent>().Single().Uri, Is.EqualTo(seen));
    }

    [Test]
    public async Task TextHeaders_AreTakenToo()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        await peer.AskAsync(SpopProxy.NotifyFrame(1, 1, "sidecar-request",
            ("id", "tx-1"), ("method", "GET"), ("uri", "/x?y"), ("len", 100L), ("whole", true), ("headers-text", "host: a\r\nx-b: c\r\n\r\n")));

        var seen = agent.Seen.OfType<RequestHeadersEvent>().Single();
        Assert.That((seen.Uri, seen.Headers.Get("host"), seen.Headers.Get("x-b")), Is.EqualTo(("/x?y", "a", "c")));
    }

    [Test]
    public async Task Response_OnAnotherConnection_JoinsItsRequest()
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await SpopHarness.StartAsync(agent);
        var (one, other) = (await harness.GreetAsync(), await harness.GreetAsync());

        var request = await one.AskAsync(SpopAsk.Request());
        Assert.That(harness.FrontEnd.Waiting, Is.EqualTo(1));
        var response = await other.AskAsync(SpopAsk.Response(status: 404, headers: [("content-length", "2"), ("x-a", "b")], body: "no"u8.ToArray()));

        Assert.That((response["ract"], response["id"]), Is.EqualTo(("allow", request["id"])));
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|inspected|none=1" }));
        await agent.SeenAsync(4);
        var seen = agent.Seen;
        Assert.That(seen.Select(static message => message.Type), Is.EqualTo(
            new[] { MessageType.RequestHeaders, MessageType.ResponseHeaders, MessageType.ResponseBodyChunk, MessageType.RequestComplete }));
        Assert.That(seen.Select(static message => message.CorrelationId).Distinct().Count(), Is.EqualTo(1));
        Assert.That(((RequestCompleteEvent)seen[3]).Status, Is.EqualTo(404));
        Assert.That(harness.FrontEnd.Waiting, Is.Zero);
    }

    [Test]
    public async Task Response_CarriesTheSumOfBothPhasesChanges()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) => new(message switch
            {
                RequestHeadersEvent =>
                    AgentResponse.Allow.WithResponseHeaders(HeaderOperation.Set("x-a", "1"), HeaderOperation.Add("x-b", "1"), HeaderOperation.Set("x-c", "1")),
                ResponseHeadersEvent =>
                    AgentResponse.Allow.WithResponseHeaders(HeaderOperation.Set("x-a", "2"), HeaderOperation.Add("x-b", "2"), HeaderOperation.Remove("x-c")),
                _ => AgentResponse.Allow,
            }),
        };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request());

        var answer = await peer.AskAsync(SpopAsk.Response());

        Assert.That(answer["rs_set"], Is.EqualTo(SpopProxy.HeaderBlock(("x-a", "2"))));
        Assert.That(answer["rs_add"], Is.EqualTo(SpopProxy.HeaderBlock(("x-b", "1"), ("x-b", "2"))));
        Assert.That(answer["rs_del"], Is.EqualTo(new byte[] { 3, (byte)'x', (byte)'-', (byte)'c', 0 }));
    }

    [Test]
    public async Task ResponseBlocked_UnsetsWhatTheRequestWantedOfIt()
    {
        await using var agent =
            new LambdaAgent("a") { Answers = static (message, _) => new(message is ResponseHeadersEvent ? Answer.Block(451) : AgentResponse.Allow) };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request());

        var answer = await peer.AskAsync(SpopAsk.Response());

        Assert.That((answer["ract"], answer["status"]), Is.EqualTo(("block", 451u)));
        Assert.That(answer.Keys, Is.SupersetOf(new[] { "-rs_set", "-rs_add", "-rs_del" }));
        Assert.That(answer.Keys, Does.Not.Contain("act"));
    }

    [Test]
    public async Task ResponseOfUnknownExchange_FollowsTheFailureMode([Values] FailureMode mode)
    {
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions with { UnknownExchange = mode }, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Response("never-seen"));

        var isOpen = mode == FailureMode.Open;
        Assert.That((answer["ract"], answer["cause"]), Is.EqualTo((isOpen ? "allow" : "failed-closed", "exchange-unknown")));
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { $"spop:test|none|{(isOpen ? "bypassed" : "refused")}|exchange-unknown=1" }));
    }

    [Test]
    public async Task DefectBeforeThereIsAnExchange_IsAnsweredAndCounted()
    {
        var options = new HarnessOptions { Relay = new FailingRelay() };
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, options, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Response("elsewhere"));

        Assert.That((answer["ract"], answer["cause"]), Is.EqualTo(("failed-closed", "internal")));
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|none|refused|internal=1" }));
        await Eventually.TrueAsync(() => peer.Connection.InFlight == 0, Generous, "nothing in work");
    }

    [Test]
    public async Task NoResponsePhase_EndsTheExchangeWithItsRequest()
    {
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions with { HasResponsePhase = false }, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopProxy.NotifyFrame(1, 1, "sidecar-request", [.. SpopAsk.RequestArguments().Skip(1)]));

        Assert.That(answer.Keys, Is.EquivalentTo(new[] { "act", "id" }), "an id is not needed");
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|inspected|none=1" }));
    }

    [Test]
    public async Task AgentThatWantsNoResponse_EndsTheExchangeWithItsRequest()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a") { Supports = EventSet.RequestHeaders });
        var peer = await harness.GreetAsync();

        Assert.That((await peer.AskAsync(SpopAsk.Request())).Keys, Does.Not.Contain("res"));
        await harness.Inspection.EndedAsync();
        Assert.That(harness.FrontEnd.Waiting, Is.Zero);
    }

    [Test]
    public async Task ResponseThatNeverComes_ExpiresAndLeaksNothing()
    {
        var time = new FakeTimeProvider();
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Time = time }, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request());
        Assert.That(harness.FrontEnd.Waiting, Is.EqualTo(1));

        time.Advance(TimeSpan.FromSeconds(31));

        Assert.That(harness.FrontEnd.Waiting, Is.Zero);
        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|abandoned|no-response=1" }));
        Assert.That(harness.Inspection.Sums.Of("agent.exchanges"), Is.EqualTo(new[] { "a|request|inspected|none=1", "a|response|abandoned|no-response=1" }));
    }

    [Test]
    public async Task SameIdAgain_SupersedesTheFirst()
    {
        await using var harness = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var peer = await harness.GreetAsync();

        var first = await peer.AskAsync(SpopAsk.Request());
        var second = await peer.AskAsync(SpopAsk.Request());
        var response = await peer.AskAsync(SpopAsk.Response());

        Assert.That((first["id"], response["id"]), Is.Not.EqualTo((second["id"], second["id"])).And.EqualTo((first["id"], second["id"])));
        Assert.That(harness.FrontEnd.Waiting, Is.Zero);
        Assert.That((await harness.Inspection.EndedAsync()).Count, Is.EqualTo(2));
    }

    [Test]
    public async Task TooManyExchanges_AreRefused()
    {
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { MaxExchanges = 1 }, new LambdaAgent("a"));
        var peer = await harness.GreetAsync();
        await peer.AskAsync(SpopAsk.Request("tx-1"));

        Assert.That((await peer.AskAsync(SpopAsk.Request("tx-2")))["cause"], Is.EqualTo("too-many-exchanges"));
    }

    [Test]
    public async Task ResponseWhileItsRequestIsStillJudged_Supersedes()
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
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();
        await peer.SendAsync(SpopAsk.Request());
        await agent.SeenAsync(1);

        await peer.SendAsync(SpopAsk.Response());

        var answers = new[] { await peer.AnswerAsync(), await peer.AnswerAsync() };
        Assert.That(answers.Select(static answer => answer.ContainsKey("act")), Is.EquivalentTo(new[] { true, false }), "both are answered");
        await Eventually.TrueAsync(() => harness.FrontEnd.Waiting == 0, Generous, "the end of the exchange");
        Assert.That((await harness.Inspection.EndedAsync()).Single(), Does.Contain("superseded").Or.Contain("owed"));
    }

    private sealed class FailingRelay : IExchangeRelay
    {
        public bool IsOpen => true;

        public void Serve(IRelayedFrontEnd frontEnd)
        {
        }

        public ValueTask<byte[]?> AskAsync(string key, ReadOnlyMemory<byte> question, long deadline, CancellationToken gone) =>
            throw new InvalidOperationException("a defect");
    }
}
