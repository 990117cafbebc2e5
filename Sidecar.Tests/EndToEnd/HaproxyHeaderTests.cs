using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Every change of headers that an agent can ask for, in either phase, as the upstream and the client of a real HAProxy see it.</summary>
[Category("EndToEnd")]
internal sealed class HaproxyHeaderTests
{
    [Test]
    public async Task SetAddAndRemove_OnRequestAndResponse()
    {
        await using var agent = new LambdaAgent("demo")
        {
            Answers = static (message, _) => new(message switch
            {
                RequestHeadersEvent => AgentResponse.Allow
                    .WithRequestHeaders(
                        HeaderOperation.Set("X-Set", "ours"),
                        HeaderOperation.Add("X-Many", "2"),
                        HeaderOperation.Add("X-Many", "3"),
                        HeaderOperation.Remove("X-Gone"))
                    .WithResponseHeaders(HeaderOperation.Set("X-Early", "1"), HeaderOperation.Add("Set-Cookie", "a=1"), HeaderOperation.Remove("X-Origin")),
                ResponseHeadersEvent => AgentResponse.Allow
                    .WithResponseHeaders(
                        HeaderOperation.Set("X-Late", "2"), HeaderOperation.Add("Set-Cookie", "b=2"), HeaderOperation.Set("Content-Type", "text/plain")),
                _ => AgentResponse.Allow,
            }),
        };
        await using var stack = await HaproxyStack.StartAsync(agent);

        var answer = await RawHttp.SendAsync(stack.Port, "GET /sized HTTP/1.1", "X-Set: theirs", "X-Many: 1", "X-Gone: secret");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Body, Does.Contain("\"x-set\":\"ours\"").IgnoreCase, "set on the request");
            Assert.That(answer.Body, Does.Match("(?i)\"x-many\":\"1, ?2, ?3\""), "added to the request, after the client's own");
            Assert.That(answer.Body, Does.Not.Contain("secret"), "removed from the request");
            Assert.That(
                (answer.Header("X-Early"), answer.Header("X-Late"), answer.Header("Content-Type")),
                Is.EqualTo(("1", "2", "text/plain")),
                "set on the response, by either phase");
            Assert.That(answer.Headers["Set-Cookie"], Is.EqualTo(new[] { "a=1", "b=2" }), "added to the response, by both phases");
            Assert.That(answer.Header("X-Origin"), Is.Empty, "removed from the response");
        }
    }
}
