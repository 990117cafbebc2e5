using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// Bodies beyond what an agent is shown: what happens is what the operator chose, and every byte is accounted, so that padding hides nothing unseen.
/// </summary>
[TestFixture(NginxScript.Lua)]
[TestFixture(NginxScript.Njs)]
[Category("EndToEnd")]
internal sealed class NginxExcessTests(NginxScript script)
{
    private const int Limit = 64 * 1024;
    private const int Size = 600 * 1024;
    private const int InAFile = 2 * 1024 * 1024;

    [Test]
    public async Task Block_RefusesWith413()
    {
        await using var stack = await StartAsync("block");

        var answer = await RawHttp.SendBodyAsync(stack.Port, "POST /form HTTP/1.1", Body(Size));
        var file = await RawHttp.SendBodyAsync(stack.Port, "POST /form HTTP/1.1", Body(InAFile), isChunked: true);
        var fits = await RawHttp.SendBodyAsync(stack.Port, "POST /form HTTP/1.1", Body(Limit));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, file.Status, fits.Status), Is.EqualTo((413, 413, 200)));
            Assert.That(stack.Origin.Requests, Is.EqualTo(1));
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"refused\""), Is.EqualTo(2));
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"inspected\""), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Skip_LetsPassAndAccountsForEveryByte()
    {
        await using var stack = await StartAsync("skip");
        var body = ScriptStack.Attack + Body(Size);

        var answer = await RawHttp.SendBodyAsync(stack.Port, "POST /form HTTP/1.1", body);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(ScriptStack.Seen(answer)[":body"] == body, "byte for byte");
            Assert.That(ScriptStack.Seen(answer)["X-Sidecar-Bypassed"], Is.EqualTo("too-large"), "the upstream can see it");
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"bypassed\"", "cause=\"too-large\""), Is.EqualTo(1));
            Assert.That(await stack.MetricAsync("sidecar_agent_body_bytes_total", "fate=\"missed\""), Is.EqualTo(body.Length));
            Assert.That(await stack.MetricAsync("sidecar_agent_body_bytes_total", "fate=\"seen\""), Is.Zero);
        }

        await stack.LoggedAsync("/form", "\"bypassed\":\"too-large\"");
    }

    [Test]
    public async Task Partial_InspectsWhatFitsAndAccountsForTheRest()
    {
        await using var stack = await StartAsync("partial");
        var body = Body(Limit - ScriptStack.Attack.Length) + ScriptStack.Attack + Body(Size);
        var padded = Body(Size) + ScriptStack.Attack;

        var found = await RawHttp.SendBodyAsync(stack.Port, "POST /form HTTP/1.1", body);
        var seen = await stack.MetricAsync("sidecar_agent_body_bytes_total", "fate=\"seen\"");
        var missed = await stack.MetricAsync("sidecar_agent_body_bytes_total", "fate=\"missed\"");
        var hidden = await RawHttp.SendBodyAsync(stack.Port, "POST /form HTTP/1.1", padded);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found.Status, Is.EqualTo(403), "the agent was shown all that fits");
            Assert.That((hidden.Status, stack.Origin.Requests), Is.EqualTo((200, 1)));
            Assert.That(ScriptStack.Seen(hidden)[":body"] == padded);
            Assert.That(ScriptStack.Seen(hidden)["X-Sidecar-Bypassed"], Is.EqualTo("too-large"), "padding hides nothing unseen");
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", "state=\"partly\"", "cause=\"too-large\""), Is.EqualTo(1));
            Assert.That(await stack.MetricAsync("sidecar_agent_body_bytes_total", "fate=\"seen\"") - seen, Is.EqualTo(Limit));
            Assert.That(await stack.MetricAsync("sidecar_agent_body_bytes_total", "fate=\"missed\"") - missed, Is.EqualTo(padded.Length - Limit));
        }
    }

    [TestCase("skip", "bypassed")]
    [TestCase("partial", "partly")]
    public async Task File_IsWhollyMissedByNjsAndSaidSo(string action, string state)
    {
        await using var stack = await StartAsync(action);
        var body = Body(Limit) + Body(InAFile);

        var answer = await RawHttp.SendBodyAsync(stack.Port, "POST /form HTTP/1.1", body);

        // njs hands over nothing of it, so there is nothing to count; that all of it was missed is said by the state.
        var isLua = script == NginxScript.Lua;
        var shown = isLua && action == "partial" ? Limit : 0;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(ScriptStack.Seen(answer)[":body"] == body, "byte for byte");
            Assert.That(ScriptStack.Seen(answer)["X-Sidecar-Bypassed"], Is.EqualTo(isLua || action == "skip" ? "too-large" : "truncated"));
            Assert.That(await stack.MetricAsync("sidecar_exchanges_total", $"state=\"{(isLua ? state : "bypassed")}\""), Is.EqualTo(1));
            Assert.That(await stack.MetricAsync("sidecar_agent_body_bytes_total", "fate=\"seen\""), Is.EqualTo(shown));
            Assert.That(await stack.MetricAsync("sidecar_agent_body_bytes_total", "fate=\"missed\""), Is.EqualTo(isLua ? body.Length - shown : 0));
        }
    }

    private static string Body(int size) => new('a', size);

    private Task<ScriptStack> StartAsync(string action) =>
        ScriptStack.StartAsync(script, new ScriptStackSetup { AgentKeys = $",max-body={Limit},on-excess={action}" });
}
