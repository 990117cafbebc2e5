using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Tests.EndToEnd.Traefik;

/// <summary>Settings of a real Traefik's forwardAuth that change what agents see or what clients get: none lets a request pass without a question.</summary>
[Category("EndToEnd")]
internal sealed class TraefikSettingTests
{
    /// <summary>Traefik takes every 401 for itself.</summary>
    [Test]
    public async Task SigninUrl_TakesChallengesAndNothingElse()
    {
        await using var stack = await StartAsync("authSigninURL: https://login.example/in");
        stack.Agent.Answers = static (message, _) => new(
            message is RequestHeadersEvent { Uri: "/members" } ? Answer.Challenge("Bearer", ("realm", "shop")) : Answer.Block(418).WithBody("no entry"));

        var challenged = await RawHttp.SendAsync(stack.Port, "GET /members HTTP/1.1");
        var blocked = await RawHttp.SendAsync(stack.Port, "GET /x HTTP/1.1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((challenged.Status, challenged.Header("Location")), Is.EqualTo((302, "https://login.example/in")));
            Assert.That((challenged.Header("WWW-Authenticate"), challenged.Header("X-Sidecar-Id")), Is.EqualTo(("", "")));
            Assert.That((blocked.Status, blocked.Body), Is.EqualTo((418, "no entry")));
            Assert.That(stack.Origin.Requests, Is.Empty);
        }

        await stack.EndedAsync("inspected", "none", 2);
    }

    /// <summary>What the sidecar does not answer is missing upstream: agents have seen more than that gets, never less.</summary>
    [Test]
    public async Task ResponseHeadersRegex_TakesClientsHeadersAwayBehindTheQuestion()
    {
        await using var stack = await StartAsync("authResponseHeadersRegex: \"^X-\"");
        stack.Agent.Answers = static (_, _) => new(Answer.Allow.WithRequestHeaders(HeaderOperation.Set("X-User", "alice")));

        var answer = await RawHttp.SendAsync(stack.Port, "GET /x HTTP/1.1", "X-User: mallory", "X-Other: shown", "Accept: text/html");

        var got = stack.Origin.Requests.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, got.Header("x-user"), got.Header("accept")), Is.EqualTo((200, "alice", "text/html")));
            Assert.That((stack.Shown().Headers.Get("x-other"), got.Header("x-other")), Is.EqualTo(("shown", (string?)null)));
        }

        await stack.EndedAsync("inspected", "none", 1);
    }

    [Test]
    public async Task RequestHeadersWithoutTheSecret_LetNothingPass()
    {
        await using var stack = await StartAsync("authRequestHeaders: [Cookie]");

        var answer = await RawHttp.SendAsync(stack.Port, "GET /x HTTP/1.1", "Cookie: c=1");

        Assert.That((answer.Status, stack.Origin.Requests.Count, stack.Agent.Seen.Count), Is.EqualTo((403, 0, 0)));
        await stack.EndedAsync("refused", "unauthorized", 1);
    }

    /// <summary>Traefik gives no sign of the others, so that the ready configuration says never to set it.</summary>
    [Test]
    public async Task RequestHeadersWithTheSecret_AreAllThatAgentsSee()
    {
        await using var stack = await StartAsync("authRequestHeaders: [Cookie, X-Sidecar-Secret]");

        var answer = await RawHttp.SendAsync(stack.Port, "GET /x HTTP/1.1", "Cookie: c=1", "X-Other: unseen", "User-Agent: curl");

        var (shown, got) = (stack.Shown(), stack.Origin.Requests.Single());
        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, shown.Uri, shown.Headers.Get("cookie")), Is.EqualTo((200, "/x", "c=1")));
            Assert.That((shown.Headers.Get("x-other"), shown.Headers.Get("user-agent")), Is.EqualTo(((string?)null, "Go-http-client/1.1")));
            Assert.That((got.Header("x-other"), got.Header("user-agent")), Is.EqualTo(("unseen", "curl")));
        }
    }

    /// <summary>A status of gRPC would stand in a 200.</summary>
    [TestCase("Accept: text/html")]
    [TestCase("Content-Type: application/grpc")]
    public async Task WrongSecret_LetsNothingPass(string header)
    {
        await using var stack = await TraefikStack.StartAsync(
            edit: static text => text.Replace("{{ env \"SIDECAR_SECRET\" }}", "of-yesterday-0123456789", StringComparison.Ordinal));

        var answer = await RawHttp.SendAsync(stack.Port, "POST /x HTTP/1.1", header);

        Assert.That((answer.Status, stack.Origin.Requests.Count, stack.Agent.Seen.Count), Is.EqualTo((403, 0, 0)));
        await stack.EndedAsync("refused", "unauthorized", 1);
    }

    private static Task<TraefikStack> StartAsync(string setting) => TraefikStack.StartAsync(edit: text => RealTraefik.Asking(text, setting));
}
