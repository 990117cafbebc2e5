using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>What HAProxy is told: every decision in variables, and what gives way where they do not fit.</summary>
internal sealed class SpopAnswerTests
{
    [Test]
    public async Task Allow_SetsActionIdAndWhetherTheResponseIsWanted([Values] bool wantsBody)
    {
        await using var agent =
            new LambdaAgent("a") { Supports = EventSet.RequestHeaders | EventSet.ResponseHeaders | (wantsBody ? EventSet.ResponseBodyChunk : EventSet.None) };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request());

        Assert.That(answer.Keys, Is.EquivalentTo(wantsBody ? new[] { "act", "id", "res", "resb" } : ["act", "id", "res"]));
        Assert.That(answer["id"], Is.EqualTo(agent.Seen[0].CorrelationId.ToString()));
    }

    [Test]
    public async Task Allow_PacksHeaderChangesIntoLists()
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow
            .WithRequestHeaders(HeaderOperation.Set("X-A", "1"), HeaderOperation.Add("X-A", "2"), HeaderOperation.Add("X-B", "3"), HeaderOperation.Remove("X-C"))
            .WithResponseHeaders(HeaderOperation.Set("X-D", "caf\u00e9"), HeaderOperation.Remove("X-E")));
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer["rq_del"], Is.EqualTo(new byte[] { 3, (byte)'x', (byte)'-', (byte)'c', 0 }));
            Assert.That(answer["rq_set"], Is.EqualTo(SpopProxy.HeaderBlock(("x-a", "1"))));
            Assert.That(answer["rq_add"], Is.EqualTo(SpopProxy.HeaderBlock(("x-a", "2"), ("x-b", "3"))), "one name is set once only");
            Assert.That(answer["rs_set"], Is.EqualTo(SpopProxy.HeaderBlock(("x-d", "caf\u00e9"))));
            Assert.That(answer["rs_del"], Is.EqualTo(new byte[] { 3, (byte)'x', (byte)'-', (byte)'e', 0 }));
        }
    }

    [Test]
    public async Task OtherSpellingOfWhatIsSetOrRemoved_IsRemovedToo([Values("x_a", "x_b_c", "x-b_c")] string spelling)
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow
            .WithRequestHeaders(HeaderOperation.Set("X-A", "1"), HeaderOperation.Remove("X-B-C"), HeaderOperation.Add("X-Added", "2")));
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request(headers: [("x-a", "0"), ("xxa", "0"), ("x_added", "0"), (spelling, "0"), (spelling, "1")]));

        Assert.That(answer["rq_del"], Is.EqualTo((byte[])[(byte)spelling.Length, .. Encoding.ASCII.GetBytes(spelling), 5, .. "x-b-c"u8, 0]));
        Assert.That(answer["rq_set"], Is.EqualTo(SpopProxy.HeaderBlock(("x-a", "1"))));
    }

    [Test]
    public async Task OtherSpellingOfWhatHasNoPlace_RefusesTheRequest()
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Remove("X-Secret")));
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions with { HeaderForm = HeaderForm.Names }, agent);
        var peer = await harness.GreetAsync();

        Assert.That((await peer.AskAsync(SpopAsk.Request("1", headers: [("x_secret", "s")])))["act"], Is.EqualTo("failed-closed"));
        Assert.That((await peer.AskAsync(SpopAsk.Request("2", headers: [("x_secrets", "s")])))["act"], Is.EqualTo("allow"));
    }

    [Test]
    public async Task Block_HasStatusPageAndHeaders()
    {
        await using var agent = LambdaAgent.That("a", Answer.Block(418).WithBody("<p>tea</p>").WithHeader("Set-Cookie", "a=b").WithRule("r1"));
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request());

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer["act"], answer["status"], answer["body"], answer["ctype"]), Is.EqualTo(("block", 418u, "<p>tea</p>", "text/html; charset=utf-8")));
            Assert.That(answer["hdrs"], Is.EqualTo(SpopProxy.HeaderBlock(("set-cookie", "a=b"), ("cache-control", "no-store"))));
            Assert.That(answer["audit"], Does.Contain("\"rules\":[\"r1\"]"));
            Assert.That(answer.Keys, Does.Not.Contain("res"));
        }

        Assert.That(await harness.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|inspected|none=1" }));
        Assert.That(harness.FrontEnd.Waiting, Is.Zero, "no response will come");
    }

    [Test]
    public async Task Redirect_HasItsAddress()
    {
        await using var harness = await SpopHarness.StartAsync(LambdaAgent.That("a", Answer.Redirect("https://example.org/", 307)));
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request());

        Assert.That((answer["act"], answer["status"], answer["loc"]), Is.EqualTo(("redirect", 307u, "https://example.org/")));
    }

    [Test]
    public async Task Challenge_HasItsField()
    {
        await using var harness = await SpopHarness.StartAsync(LambdaAgent.That("a", Answer.Challenge("basic", ("realm", "x"))));
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request());

        Assert.That((answer["act"], answer["status"], answer["chal"]), Is.EqualTo(("challenge", 401u, "Basic realm=\"x\"")));
    }

    [Test]
    public async Task AgentAbsent_IsAnsweredByItsFailureMode([Values] FailureMode mode)
    {
        await using var agent = new LambdaAgent("a") { IsAbsent = true, Policy = LambdaAgent.PolicyOf(mode) };
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request());

        Assert.That((answer["act"], answer["cause"]), Is.EqualTo((mode == FailureMode.Open ? "allow" : "failed-closed", "agent-absent")));
    }

    [Test]
    public async Task SmallestFrame_HoldsEveryAnswer([Values(256u, 300u, 1000u)] uint frameSize)
    {
        var long100 = new string('u', 400);
        AgentResponse[] answers =
        [
            AgentResponse.Allow.WithRule(long100),
            AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("X-Long", long100)),
            AgentResponse.Allow.WithResponseHeaders(HeaderOperation.Set("X-Long", long100)),
            Answer.Block(418).WithBody(long100 + long100 + long100).WithHeader("X-Long", long100).WithRule(long100),
            Answer.Redirect("https://example.org/" + long100),
            Answer.Challenge("basic", ("realm", long100)),
        ];
        await using var agent = new LambdaAgent("a");
        agent.Answers = (message, _) => new(message is RequestHeadersEvent { Uri: ['/', var digit] } ? answers[digit - '0'] : AgentResponse.Allow);
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync(frameSize);
        for (var i = 0; i < answers.Length; i++)
        {
            // The frame's size is checked by the peer as HAProxy does it.
            var arguments = SpopAsk.RequestArguments($"{i}", $"/{i}");
            var answer = await peer.AskAsync(SpopProxy.NotifyFrame(1, 1, "sidecar-request", arguments));

            Assert.That(answer.Keys, Is.SupersetOf(new[] { "act", "id" }), $"answer {i}");
            Assert.That(answer["act"], Is.EqualTo(i switch
            {
                0 or 2 => "allow",
                3 => "block",
                _ when frameSize < 1000 => "failed-closed",
                1 => "allow",
                4 => "redirect",
                _ => "challenge",
            }), $"answer {i}");
        }
    }

    [Test]
    public async Task PageBeyondTheFrame_IsReplaced_LoggedAndCounted()
    {
        await using var agent = LambdaAgent.That("a", Answer.Block(418).WithBody(new string('x', 16_380)).WithRule("r1"));
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request());

        Assert.That((answer["status"], answer["ctype"]), Is.EqualTo((418u, "text/html; charset=utf-8")));
        Assert.That(answer["body"], Does.StartWith("<!doctype"));
        Assert.That(answer["audit"], Does.Contain("r1"));
        Assert.That(harness.Inspection.Sums.Of("operations.unapplied"), Is.EqualTo(new[] { "spop:test|reply-body=1" }));
        Assert.That(harness.Inspection.Logs.Collector.GetSnapshot().Select(static entry => entry.Id.Id), Has.Some.EqualTo(3206));
    }

    [Test]
    public async Task RequestHeadersBeyondHaproxysBuffer_RefuseTheRequest()
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Set("X-Long", new string('x', 3000))));
        await using var harness = await SpopHarness.StartAsync(agent);
        var peer = await harness.GreetAsync();

        var empty = await peer.AskAsync(SpopAsk.Request());
        var full = await peer.AskAsync(SpopAsk.Request("tx-2", method: "POST", headers: [("content-length", "13500")], body: new byte[13_500]));

        Assert.That((empty["act"], full["act"], full["cause"]), Is.EqualTo(("allow", "failed-closed", "unapplied")));
    }

    [Test]
    public async Task Names_SetOneVariableForEachListedHeader()
    {
        var options = SpopHarness.DefaultOptions with
        {
            HeaderForm = HeaderForm.Names,
            SetHeaders = ["X-User"],
            EditHeaders = ["X-Secret", "X-Many"],
            ResponseHeaders = ["X-Frame-Options", "X-Gone"],
        };
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow
            .WithRequestHeaders(HeaderOperation.Set("X-User", "alice"), HeaderOperation.Remove("X-Secret"), HeaderOperation.Add("X-Many", "3"), HeaderOperation.Set("X-Other", "y"))
            .WithResponseHeaders(HeaderOperation.Set("X-Frame-Options", "DENY"), HeaderOperation.Remove("X-Gone"), HeaderOperation.Set("X-Else", "z")));
        await using var harness = await SpopHarness.StartAsync(options, agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request(headers: [("x-many", "1"), ("x-many", "2")]));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer["rqh_x_user"], answer["rqd_x_secret"], answer["rqh_x_many"]), Is.EqualTo(("alice", true, "1, 2, 3")));
            Assert.That((answer["rsh_x_frame_options"], answer["rsd_x_gone"]), Is.EqualTo(("DENY", true)));
            Assert.That(answer.Keys, Has.None.StartsWith("rq_").And.None.StartsWith("rs_"));
            Assert.That(harness.Inspection.Sums.Of("operations.unapplied"), Is.EqualTo(new[] { "spop:test|request-header-set=1", "spop:test|response-header-set=1" }));
        }
    }

    [Test]
    public async Task Names_RemovalWithoutAPlace_Refuses()
    {
        await using var agent = LambdaAgent.That("a", AgentResponse.Allow.WithRequestHeaders(HeaderOperation.Remove("X-Secret")));
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions with { HeaderForm = HeaderForm.Names }, agent);
        var peer = await harness.GreetAsync();

        var without = await peer.AskAsync(SpopAsk.Request());
        var with = await peer.AskAsync(SpopAsk.Request("tx-2", headers: [("x-secret", "1")]));

        Assert.That((without["act"], with["act"]), Is.EqualTo(("allow", "failed-closed")));
    }

    [TestCase("X-User", "x_user")]
    [TestCase("X-!", "y")]
    [TestCase("connection", "y")]
    [TestCase("x-very-long-name-that-does-not-fit-into-the-variables-of-haproxy", "y")]
    public async Task Names_ThatCannotBeCarried_AreRefusedAtTheStart(string one, string other)
    {
        await using var harness = await InspectionHarness.StartAsync();
        var options = SpopHarness.DefaultOptions with { HeaderForm = HeaderForm.Names, SetHeaders = [one], EditHeaders = [other] };

        Assert.That(() => new NamedHeaders(options), Throws.ArgumentException);
    }

    [Test]
    public async Task BodyThatAnAgentChanges_IsRefusedOrIgnored([Values] bool refuses)
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) =>
                new(message is RequestBodyChunkEvent ? AgentResponse.Allow.WithRequestBody("other"u8.ToArray(), 0) : AgentResponse.Allow),
        };
        var options = new HarnessOptions { Routes = on => [new() { Id = "all", Stages = [[on("a")]], RefusesUnapplied = refuses }] };
        await using var harness = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, options, agent);
        var peer = await harness.GreetAsync();

        var answer = await peer.AskAsync(SpopAsk.Request(method: "POST", headers: [("content-length", "3")], body: "abc"u8.ToArray()));

        Assert.That(answer["act"], Is.EqualTo(refuses ? "failed-closed" : "allow"));
        Assert.That(harness.Inspection.Sums.Of("operations.unapplied"), Is.EqualTo(new[] { "spop:test|request-body=1" }));
    }
}
