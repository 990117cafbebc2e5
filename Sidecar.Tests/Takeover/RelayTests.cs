using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.FrontEnds.Decide;
using Sidecar.Tests.FrontEnds.Spop;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Takeover;

/// <summary>A question that comes to the one daemon about an exchange of the other is answered as if it had come to that, whoever of the two it is.</summary>
internal sealed class RelayTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [TestCase(false)]
    [TestCase(true)]
    public async Task Spop_ResponseAskedOfTheOtherDaemon_IsNeitherRefusedNorUninspected(bool oldIsAsked)
    {
        await using var pair = await new LinkPair().OpenAsync();
        await using var agent = new LambdaAgent("a");
        agent.Answers = static (message, _) => new(message is ResponseHeadersEvent ? Protocol.Sdk.Answer.Block(451) : AgentResponse.Allow);
        await using var first = await SpopHarness.StartAsync(
            SpopHarness.DefaultOptions, new HarnessOptions { Relay = oldIsAsked ? pair.New : pair.Old }, agent);
        await using var second = await SpopHarness.StartAsync(
            SpopHarness.DefaultOptions, new HarnessOptions { Relay = oldIsAsked ? pair.Old : pair.New }, new LambdaAgent("b"));
        var (began, asked) = (await first.GreetAsync(), await second.GreetAsync());
        Assert.That((await began.AskAsync(SpopAsk.Request("tx")))["res"], Is.EqualTo(true));

        await asked.SendAsync(SpopAsk.Response("tx", stream: 77));
        var answer = await asked.ReceiveAsync();

        var variables = SpopPeer.Variables(answer);
        Assert.That((answer!.StreamId, $"{variables["ract"]} {variables["status"]}"), Is.EqualTo((77ul, "block 451")));
        Assert.That(await first.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|all|inspected|none=1" }));
        Assert.That(second.Inspection.Sums.Sum("exchanges.received"), Is.Zero, "it is accounted once, where it began");
    }

    [Test]
    public async Task Spop_ResponseThatNobodyKnows_FollowsTheListener()
    {
        await using var pair = await new LinkPair().OpenAsync();
        await using var first = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Relay = pair.Old }, new LambdaAgent("a"));
        await using var second = await SpopHarness.StartAsync(SpopHarness.DefaultOptions, new HarnessOptions { Relay = pair.New }, new LambdaAgent("b"));
        var asked = await second.GreetAsync();

        Assert.That((await asked.AskAsync(SpopAsk.Response("tx")))["ract"], Is.EqualTo("failed-closed"));
        Assert.That(await second.Inspection.EndedAsync(), Is.EqualTo(new[] { "spop:test|none|refused|exchange-unknown=1" }).Or.EqualTo(new[] { "spop:test|all|refused|exchange-unknown=1" }));
        Assert.That(first.Inspection.Sums.Sum("exchanges.received"), Is.Zero);
    }

    [Test]
    public async Task Spop_GarbageOfAnotherDaemon_GetsNoAnswer()
    {
        await using var first = await SpopHarness.StartAsync(new LambdaAgent("a"));
        var relay = new Daemon.FrontEnds.Spop.SpopRelay(first.FrontEnd, first.Options, TimeProvider.System);
        for (var length = 0; length < 100; length++)
        {
            Assert.That(await relay.AnswerAsync(new byte[length], Limit, CancellationToken.None), Is.Null);
        }
    }

    [Test]
    public async Task Json_ResponseAskedOfTheOtherDaemon_IsNeitherRefusedNorUninspected()
    {
        await using var pair = await new LinkPair().OpenAsync();
        await using var agent = new LambdaAgent("a");
        agent.Answers = static (message, _) => new(message is ResponseHeadersEvent ? Protocol.Sdk.Answer.Block(451) : AgentResponse.Allow);
        await using var first = await JsonHarness.StartAsync(new HarnessOptions { Relay = pair.Old }, null, agent);
        await using var second = await JsonHarness.StartAsync(new HarnessOptions { Relay = pair.New }, null, new LambdaAgent("b"));
        await second.ListenAsync();
        await first.AskAsync(Questions.Request("tx"));

        var (status, answer) = await PostAsync(second.HttpPath, "/v1/decide", Questions.Response("tx"));

        Assert.That((status, JsonNode.Parse(answer)!.Action(), JsonNode.Parse(answer)!.Reply()), Is.EqualTo((200, "block", 451)));
        Assert.That(await first.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|inspected|none=1" }));
        Assert.That(second.Daemon.Sums.Sum("exchanges.received"), Is.Zero);
    }

    [Test]
    public async Task Json_PartsOfABodyAndTheEnd_ReachTheDaemonThatBegan()
    {
        await using var pair = await new LinkPair().OpenAsync();
        await using var agent = new LambdaAgent("a");
        await using var first = await JsonHarness.StartAsync(new HarnessOptions { Relay = pair.Old }, null, agent);
        await using var second = await JsonHarness.StartAsync(new HarnessOptions { Relay = pair.New }, null, new LambdaAgent("b"));
        await second.ListenAsync();
        await first.AskAsync(Questions.Request("tx", body: Questions.Body("one ", final: false), more: "\"complete\":true,"));

        var (_, part) = await PostAsync(second.HttpPath, "/v1/decide", Questions.Part("tx", Questions.Body("two", part: 1)));
        var (status, _) = await PostAsync(second.HttpPath, "/v1/audit", """{"tx":"tx","status":207}""");

        Assert.That((JsonNode.Parse(part)!.Action(), status), Is.EqualTo(("allow", 204)));
        await agent.SeenAsync(4);
        Assert.That(string.Concat(agent.Seen.OfType<RequestBodyChunkEvent>().Select(static chunk => Encoding.UTF8.GetString(chunk.Data.Span))), Is.EqualTo("one two"));
        Assert.That(agent.Seen.OfType<RequestCompleteEvent>().Single().Status, Is.EqualTo(207));
        Assert.That(second.Daemon.Sums.Sum("exchanges.received"), Is.Zero);
    }

    [Test]
    public async Task Json_GarbageOfAnotherDaemon_GetsNoAnswer()
    {
        await using var first = await JsonHarness.StartAsync(new LambdaAgent("a"));
        var relay = new JsonRelay(first.DecisionService, first.Options);
        foreach (var garbage in (byte[][])[[], [0], [0, 0, 0, 0, 9, 1], [0, 255, 255, 255, 255], [0, 127, 255, 255, 255, 1]])
        {
            Assert.That(await relay.AnswerAsync(garbage, Limit, CancellationToken.None), Is.Null);
        }

        Assert.That(JsonRelay.Read(await relay.AnswerAsync(new byte[] { 0, 0, 0, 0, 1, (byte)'x' }, Limit, CancellationToken.None))!.Status, Is.EqualTo(400));
    }

    [Test]
    public async Task Native_LaterEventsOfAClientThatMoved_ReachTheDaemonThatBegan()
    {
        await using var pair = await new LinkPair().OpenAsync();
        await using var agent = new LambdaAgent("a");
        agent.Answers = static (message, _) => new(message is ResponseHeadersEvent ? Protocol.Sdk.Answer.Block(451) : AgentResponse.Allow);
        await using var first = await InspectionHarness.StartAsync(new HarnessOptions { Relay = pair.Old }, agent);
        await using var second = await InspectionHarness.StartAsync(new HarnessOptions { Relay = pair.New }, new LambdaAgent("b"));
        var moving = await first.ConnectAsync();
        await moving.AskAsync(Events.Request("tx"));
        first.Listener.Supersede();
        await moving.DisposeAsync();

        await second.Client.AskAsync(Events.RequestBody("tx", "body", last: true));
        var response = await second.Client.AskAsync(Events.Response("tx"));
        await second.Client.AskAsync(Events.Complete("tx"));

        Assert.That(response.Decision, Is.EqualTo(new BlockDecision(451)));
        Assert.That(await first.EndedAsync(), Is.EqualTo(new[] { "native:native.sock|all|inspected|none=1" }));
        await agent.SeenAsync(4);
        Assert.That(agent.Seen.Select(static message => message.GetType()), Is.EquivalentTo(new[]
        {
            typeof(RequestHeadersEvent), typeof(RequestBodyChunkEvent), typeof(ResponseHeadersEvent), typeof(RequestCompleteEvent),
        }));
        Assert.That(second.Sums.Sum("exchanges.received"), Is.Zero);
    }

    private static async Task<(int Status, string Text)> PostAsync(string socket, string path, string question)
    {
        using var client = UnixHttp.Client(socket);
        using var content = new StringContent(question, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri("http://sidecar" + path), content);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
