using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Decide;

/// <summary>Bodies: whole and in parts, what goes on of them, and what is said of those that were cut.</summary>
internal sealed class BodyTests
{
    private const string Text = "The quick brown fox jumps over the lazy dog";

    private static LambdaAgent Changing(BodyMode mode, Func<string, string?> change, EventSet supports = EventSet.All) => new("a")
    {
        Supports = supports,
        Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with
        {
            RequestBody = new BodyPolicy { Mode = mode, MaxBytes = long.MaxValue },
            ResponseBody = new BodyPolicy { Mode = mode, MaxBytes = long.MaxValue },
        },
        Answers = (message, _) => new(message switch
        {
            RequestBodyChunkEvent chunk when change(Events.Text(chunk.Data)) is { } changed =>
                AgentResponse.Allow.WithRequestBody(Encoding.UTF8.GetBytes(changed), chunk.ChunkIndex),
            ResponseBodyChunkEvent chunk when change(Events.Text(chunk.Data)) is { } changed =>
                AgentResponse.Allow.WithResponseBody(Encoding.UTF8.GetBytes(changed), chunk.ChunkIndex),
            _ => AgentResponse.Allow,
        }),
    };

    [TestCase(BodyMode.Buffer)]
    [TestCase(BodyMode.Stream)]
    public async Task Whole_UnchangedIsNull_ChangedIsWhole(BodyMode mode)
    {
        await using var agent = Changing(mode, static text => text.StartsWith("change", StringComparison.Ordinal) ? text.ToUpperInvariant() + "é" : null);
        await using var harness = await JsonHarness.StartAsync(agent);

        Assert.That((await harness.AskAsync(Questions.Request("t", body: Questions.Body("same")))).Text("request_body"), Is.EqualTo("null"));
        var answer = await harness.AskAsync(Questions.Response("t", body: Questions.Body("change")));
        Assert.That(((string?)answer["response_body"]!["data"], (string?)answer["response_body"]!["encoding"]), Is.EqualTo(("CHANGEé", "utf8")));
        Assert.That(answer.Text("request_body"), Is.EqualTo("null"));
    }

    [Test]
    public async Task Emptied_IsAnEmptyBodyNotNull()
    {
        await using var agent = Changing(BodyMode.Buffer, static _ => "");
        await using var harness = await JsonHarness.StartAsync(agent);
        Assert.That((await harness.AskAsync(Questions.Request(body: Questions.Body("x")))).Text("request_body"), Is.EqualTo("""{"data":"","encoding":"utf8"}"""));
    }

    [Test]
    public async Task Binary_ComesInBase64AndTextAndGoesInBase64()
    {
        byte[] binary = [0, 1, 0xFF, 0xFE, (byte)'"', (byte)'\\'];
        await using var agent = new LambdaAgent("a")
        {
            Answers = (message, _) =>
                new(message is RequestBodyChunkEvent chunk ? AgentResponse.Allow.WithRequestBody(binary, chunk.ChunkIndex) : AgentResponse.Allow),
        };
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync(Questions.Request(body: Questions.Base64(binary)));

        Assert.That(((RequestBodyChunkEvent)agent.Seen[1]).Data.ToArray(), Is.EqualTo(binary));
        Assert.That(((string?)answer["request_body"]!["data"], (string?)answer["request_body"]!["encoding"]), Is.EqualTo((Convert.ToBase64String(binary), "base64")));
    }

    [TestCase(BodyMode.Buffer, true)]
    [TestCase(BodyMode.Buffer, false)]
    [TestCase(BodyMode.Stream, true)]
    [TestCase(BodyMode.Stream, false)]
    public async Task Parts_InAnyChunkingGiveTheSameBody(BodyMode mode, bool isKept)
    {
        // Letter by letter, so that it does not matter to the agent where the pieces are cut.
        await using var agent = Changing(
            mode, static text => text.Contains('o', StringComparison.Ordinal) ? text.Replace("o", "00", StringComparison.Ordinal) : null);
        await using var harness = await JsonHarness.StartAsync(agent);
        var random = new Random(4);
        for (var round = 0; round < 40; round++)
        {
            var text = round % 3 == 0 ? Text.Replace('o', 'x') : Text;
            var tx = $"t{round}";
            var cuts = Enumerable.Range(0, random.Next(0, 6)).Select(_ => random.Next(text.Length + 1)).Order().Append(text.Length).ToArray();
            var (from, released) = (0, "");
            for (var part = 0; part < cuts.Length; part++)
            {
                var (piece, final) = (text[from..cuts[part]], part == cuts.Length - 1);
                var body = Questions.Body(piece, part, final, kept: isKept);
                var answer = await harness.AskAsync(part == 0 ? Questions.Request(tx, body: body) : Questions.Part(tx, body));
                Assert.That(answer.Action(), Is.EqualTo(final ? "allow" : "continue"));
                var data = (string?)answer["request_body"]?["data"];
                if (isKept)
                {
                    Assert.That(data, final ? text.Contains('o', StringComparison.Ordinal) ? Is.Not.Null : Is.Null : Is.Null, "a caller that keeps its parts is told at the end");
                    released = final ? data ?? text : "";
                }
                else
                {
                    released += data ?? piece;
                }

                from = cuts[part];
            }

            Assert.That(released, Is.EqualTo(text.Replace("o", "00", StringComparison.Ordinal)), $"cut at {string.Join(',', cuts)}");
        }
    }

    [Test]
    public async Task Part_RefusedEndsTheExchange()
    {
        await using var agent = new LambdaAgent("a")
        {
            Answers = static (message, _) =>
                new(message is RequestBodyChunkEvent { ChunkIndex: 1 } ? Sidecar.Protocol.Sdk.Answer.Block(403) : AgentResponse.Allow),
        };
        await using var harness = await JsonHarness.StartAsync(agent);
        Assert.That((await harness.AskAsync(Questions.Request("t", body: Questions.Body("1", final: false)))).Action(), Is.EqualTo("continue"));
        Assert.That((await harness.AskAsync(Questions.Part("t", Questions.Body("2", 1, final: false)))).Action(), Is.EqualTo("block"));
        Assert.That((string?)(await harness.AskAsync(Questions.Part("t", Questions.Body("3", 2))))["cause"], Is.EqualTo("exchange-unknown"));
    }

    [TestCase(0, "part 0 comes where part 1 is expected")]
    [TestCase(2, "part 2 comes where part 1 is expected")]
    public async Task Part_OutOfTurnIsAnErrorAndAHole(int part, string error)
    {
        await using var agent = new LambdaAgent("a");
        await using var harness = await JsonHarness.StartAsync(agent);
        await harness.AskAsync(Questions.Request("t", body: Questions.Body("1", final: false)));

        var answer = await harness.AskAsync(Questions.Part("t", Questions.Body("x", part)));
        Assert.That((answer.Action(), (string?)answer["error"]!["message"]), Is.EqualTo(("out-of-order", $"the body of 't': {error}")));
        await harness.AskAsync(Questions.Part("t", Questions.Body("2", 1)));
        var after = await harness.AskAsync(Questions.Part("t", Questions.Body("3", 2)));
        Assert.That((string?)after["error"]!["message"], Does.Contain("its last part was told already"));
        await harness.AskAsync(Questions.Response("t", body: Questions.Body("r")));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|refused|malformed=1", "http:json|none|refused|malformed=2" }));
    }

    [TestCase(ExcessAction.Block, "block", "closed", "refused")]
    [TestCase(ExcessAction.Partial, "allow", "open", "partly")]
    [TestCase(ExcessAction.Skip, "allow", "open", "bypassed")]
    public async Task Truncated_IsNeverTakenForTheEnd(ExcessAction excess, string action, string fallback, string state)
    {
        await using var agent = new LambdaAgent("a")
        {
            Policy = LambdaAgent.PolicyOf(FailureMode.Closed) with { RequestBody = new BodyPolicy { OnExcess = excess } },
        };
        await using var harness = await JsonHarness.StartAsync(agent);

        var answer = await harness.AskAsync(Questions.Request(body: Questions.Body("begin", truncated: true, size: 1000)));

        Assert.That((answer.Action(), (string?)answer["fallback"]), Is.EqualTo((action, fallback)));
        Assert.That(await harness.Daemon.EndedAsync(), Has.One.Items.And.Some.StartWith($"http:json|all|{state}|"));
        if (action == "block")
        {
            Assert.That(answer.Reply(), Is.EqualTo(413));
        }
    }

    [Test]
    public async Task Kept_WithoutMemoryToKeepIsRefused()
    {
        await using var agent = Changing(BodyMode.Stream, static _ => null);
        await using var harness = await JsonHarness.StartAsync(new HarnessOptions { BodyMemory = 4096 }, null, agent);
        await harness.AskAsync(Questions.Request("t", body: Questions.Body(new string('x', 4000), final: false, kept: true)));

        var answer = await harness.AskAsync(Questions.Part("t", Questions.Body(new string('y', 4000), 1, final: false, kept: true)));

        Assert.That((answer.Action(), (string?)answer["cause"]), Is.EqualTo(("block", "body-memory")));
        Assert.That(await harness.Daemon.EndedAsync(), Is.EqualTo(new[] { "http:json|all|refused|body-memory=1" }));
        Assert.That(harness.Daemon.BodyMemory.Used, Is.Zero);
    }

    [Test]
    public async Task Frame_CarriesTheBodyBehindTheHead()
    {
        await using var agent = Changing(BodyMode.Buffer, static text => text == "in" ? "out" : null);
        await using var harness = await JsonHarness.StartAsync(agent);
        var head = """{"phase":"request","request":{"method":"POST","path":"/","body":{"truncated":false}}}""";

        using var changed = await harness.DecideAsync(Encoding.UTF8.GetBytes(head), "in"u8.ToArray());
        using var same = await harness.DecideAsync(Encoding.UTF8.GetBytes(head), "other"u8.ToArray());

        Assert.That((Frame(changed).Head.Text("request_body"), (bool)Frame(changed).Head["body_follows"]!, Frame(changed).Body), Is.EqualTo(("""{"length":3}""", true, "out")));
        Assert.That((Frame(same).Head.Text("request_body"), (bool)Frame(same).Head["body_follows"]!, Frame(same).Body), Is.EqualTo(("null", false, null as string)));
    }

    private static (JsonNode Head, string? Body) Frame(Sidecar.Daemon.FrontEnds.Decide.Answer answer)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        AnswerWriter.Write(output, answer, asFrame: true);
        var bytes = output.WrittenSpan;
        var length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes);
        var head = JsonNode.Parse(bytes.Slice(4, length))!;
        var rest = bytes[(4 + length)..];
        return (head, rest.IsEmpty ? null : Encoding.UTF8.GetString(rest[4..]));
    }
}
