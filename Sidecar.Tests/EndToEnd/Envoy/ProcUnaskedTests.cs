using NUnit.Framework;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>Requests whose route asks nobody pass a real Envoy that fails closed, whole, though the stream may end before the response.</summary>
[TestFixture("NONE")]
[TestFixture("BUFFERED")]
[TestFixture("STREAMED")]
[TestFixture("FULL_DUPLEX_STREAMED")]
[TestFixture(ProcStack.Override)]
[Category("EndToEnd")]
internal sealed class ProcUnaskedTests(string mode)
{
    [Test]
    public async Task RequestThatNobodyIsAskedAbout_PassesWhole()
    {
        await using var stack = await ProcStack.StartAsync(mode, agentKeys: ",mode=off");
        (string Line, string Body, int Length)[] requests =
            [("GET /size/9", "", 9), ("POST /chunked/70000", new string('x', 700_000), 70_000), ("HEAD /size/9", "", 0), ("DELETE /size/0", "", 0), ("PUT /size/900000", "x", 900_000)];
        foreach (var (line, body, length) in requests)
        {
            var answer = body.Length == 0 ? await RawHttp.SendAsync(stack.Envoy.Port, $"{line} HTTP/1.1") : await RawHttp.SendBodyAsync(stack.Envoy.Port, $"{line} HTTP/1.1", body);
            Assert.That((answer.Status, answer.Body.Length), Is.EqualTo((200, length)), line);
        }

        Assert.That(stack.Origin.Received.Select(static one => one.Body.Length), Is.EqualTo(requests.Select(static one => one.Body.Length)));
        Assert.That(await stack.EndedAsync("not-subject", "none"), Is.EqualTo(requests.Length));
        Assert.That(stack.Agent.Seen.OfType<RequestHeadersEvent>(), Is.Empty);
    }
}
