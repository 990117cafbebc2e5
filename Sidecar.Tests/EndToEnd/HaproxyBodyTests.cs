using System.Text;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Bodies as far as a real HAProxy with its default buffer holds them: whole, at the edge, and beyond it.</summary>
[Category("EndToEnd")]
internal sealed class HaproxyBodyTests
{
    // HAProxy keeps about 15,100 bytes beside ordinary headers (proxy integration §1.7).
    private static readonly int[] Sizes = [1, 1024, 13_000, 14_500, 14_800, 14_900, 15_000, 15_100, 15_200, 15_360, 16_384, 20_000, 100_000];

    /// <summary>Sends a POST with a body, whole or in chunks of a size.</summary>
    public static Task<RawAnswer> PostAsync(int port, string body, int? chunk = null, string path = "/upload") => chunk is { } size
        ? RawHttp.SendFramedAsync(port, $"POST {path} HTTP/1.1", Chunked(body, size), "Transfer-Encoding: chunked")
        : RawHttp.SendFramedAsync(port, $"POST {path} HTTP/1.1", body, $"Content-Length: {body.Length}");

    [Test]
    public async Task OnExcessBlock_OnlyWhatWasSeenWholePasses([Values(null, 1, 100, 5000)] int? chunk)
    {
        await using var agent = new LambdaAgent("demo");
        await using var stack = await HaproxyStack.StartAsync(agent, agentKeys: ",on-excess=block");
        var passed = 0;
        foreach (var size in Sizes)
        {
            var body = BodyOf(size);
            var answer = await PostAsync(stack.Port, body, chunk, $"/discard/{size}");

            var seen = SeenBody(agent, $"/discard/{size}");
            Assert.That(answer.Status, Is.EqualTo(200).Or.EqualTo(413), $"{size} bytes");
            Assert.That(answer.Status == 200, Is.EqualTo(seen == body), $"{size} bytes, {seen.Length} seen");
            Assert.That(answer.Status == 200 || size > 12_500, Is.True, $"{size} bytes fit");
            Assert.That(answer.Status == 413 || size < 16_000, Is.True, $"{size} bytes do not fit");
            passed += answer.Status == 200 ? 1 : 0;
        }

        Assert.That(passed, Is.InRange(4, Sizes.Length - 3));
        await stack.MetricBecomesAsync(Sizes.Length - passed, "sidecar_exchanges_total", "cause=\"truncated\"");
    }

    [TestCase("skip", "bypassed")]
    [TestCase("partial", "partly")]
    public async Task OnExcess_WhatIsCutIsNeverTakenForWhole(string action, string state)
    {
        await using var agent = new LambdaAgent("demo");
        await using var stack = await HaproxyStack.StartAsync(agent, agentKeys: $",on-excess={action}");

        var answer = await PostAsync(stack.Port, BodyOf(100_000));

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Body, Does.Contain("\"x-sidecar-bypassed\":\"truncated\"").IgnoreCase, "the upstream is told");
        Assert.That(agent.Seen.OfType<RequestBodyChunkEvent>().Sum(static chunk => chunk.Data.Length), action == "skip" ? Is.Zero : Is.GreaterThan(14_000));
        await stack.MetricBecomesAsync(1, "sidecar_exchanges_total", $"state=\"{state}\"", "cause=\"truncated\"");
    }

    [Test]
    public async Task MessageWithoutTheBody_CountsAsCut()
    {
        await using var agent = new LambdaAgent("demo");
        await using var stack = await HaproxyStack.StartAsync(agent, edit: static text => text
            .Replace("spoe-message sidecar-request", "spoe-message sidecar-request-head", StringComparison.Ordinal)
            .Replace("messages     sidecar-request", "messages     sidecar-request-head", StringComparison.Ordinal)
            .Replace(" body=req.body", "", StringComparison.Ordinal));

        Assert.That((await PostAsync(stack.Port, "abc")).Status, Is.EqualTo(413));
        Assert.That((await RawHttp.SendAsync(stack.Port, "GET / HTTP/1.1")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task LargeBuffer_ShowsMore_AndFragmentsAreJoined()
    {
        await using var agent = new LambdaAgent("demo");
        await using var stack = await HaproxyStack.StartAsync(agent, edit: static text => text
            .Replace("# tune.bufsize 65536", "tune.bufsize 65536", StringComparison.Ordinal)

            // So many bytes twice do not fit into one frame: HAProxy 2.x sends fragments.
            .Replace(" body=req.body", " body=req.body twice=req.body", StringComparison.Ordinal));
        var body = BodyOf(50_000);

        var answer = await PostAsync(stack.Port, body);

        // There are no fragments any more: what does not fit fails, and the ready configuration fails closed.
        if (await PeerPrograms.VersionAsync("haproxy") >= new Version(3, 1))
        {
            Assert.That(answer.Status, Is.EqualTo(503));
            return;
        }

        // The second copy is an argument of the test's own, too long for one: told apart from a body that is refused.
        Assert.That(answer.Status, Is.EqualTo(403));
        await stack.MetricBecomesAsync(1, "sidecar_exchanges_total", "cause=\"malformed\"");

        // It was read to its end.
        await stack.Daemon.WaitForAsync("arguments of its own");
    }

    [Test]
    public async Task ResponseBody_IsInspected()
    {
        await using var agent = new LambdaAgent("demo")
        {
            Answers = static (message, _) => new(message is ResponseBodyChunkEvent { Data: var data } && Encoding.UTF8.GetString(data.Span)
                .Contains("leak", StringComparison.Ordinal)
                ? Answer.Block(403).WithBody("withheld").WithHeader("X-Why", "leak")
                : message is ResponseHeadersEvent
                    ? AgentResponse.Allow.WithResponseHeaders(HeaderOperation.Set("X-Judged", "yes"), HeaderOperation.Remove("X-Origin"))
                : message is RequestHeadersEvent
                    ? AgentResponse.Allow.WithResponseHeaders(HeaderOperation.Set("X-Early", "1"), HeaderOperation.Set("X-Judged", "no"))
                : AgentResponse.Allow),
        };
        await using var stack = await HaproxyStack.StartAsync(agent, agentKeys: ",on-excess=block");

        var good = await RawHttp.SendAsync(stack.Port, "GET /sized HTTP/1.1");
        var bad = await RawHttp.SendAsync(stack.Port, "GET /sized?leak HTTP/1.1");
        var cut = await RawHttp.SendAsync(stack.Port, "GET /chunked HTTP/1.1");
        var large = await RawHttp.SendAsync(stack.Port, "GET /chunked HTTP/1.1", "X-Large: " + new string((char)60, 4000));
        var stream = await RawHttp.SendAsync(stack.Port, "GET /events HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((good.Status, good.Header("X-Judged"), good.Header("X-Early"), good.Header("X-Origin")), Is.EqualTo((200, "yes", "1", "")));
            Assert.That((bad.Status, bad.Body, bad.Header("X-Why"), bad.Header("X-Early")), Is.EqualTo((403, "withheld", "leak", "")));
            Assert.That((cut.Status, cut.Header("X-Judged")), Is.EqualTo((200, "yes")), "HAProxy waited for it, and its buffer is not full");
            Assert.That(large.Status, Is.EqualTo(502), "longer than the buffer");
            Assert.That(stream.Status, Is.EqualTo(502), "a stream is never known to be whole");
        }
    }

    private static string BodyOf(int size) => string.Create(size, size, static (text, size) =>
    {
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = (char)('a' + (((i * 7) + size) % 26));
        }
    });

    private static string SeenBody(LambdaAgent agent, string uri)
    {
        var seen = agent.Seen;
        var id = seen.OfType<RequestHeadersEvent>().Single(message => message.Uri == uri).CorrelationId;
        var body = new StringBuilder();
        foreach (var chunk in seen.OfType<RequestBodyChunkEvent>().Where(chunk => chunk.CorrelationId == id))
        {
            body.Append(Encoding.Latin1.GetString(chunk.Data.Span));
        }

        return body.ToString();
    }

    private static string Chunked(string body, int size)
    {
        var text = new StringBuilder();
        for (var at = 0; at < body.Length; at += size)
        {
            var piece = body.AsSpan(at, Math.Min(size, body.Length - at));
            text.Append(piece.Length.ToString("x", null)).Append("\r\n").Append(piece).Append("\r\n");
        }

        return text.Append("0\r\n\r\n").ToString();
    }
}
