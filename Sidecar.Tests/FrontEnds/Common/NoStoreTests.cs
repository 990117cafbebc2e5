using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Sdk;
using Sidecar.Tests.FrontEnds.AuthRequest;
using Sidecar.Tests.FrontEnds.Decide;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Common;

/// <summary>A proxy that keeps an answer would let pass what nobody was asked about.</summary>
[TestFixture]
internal sealed class NoStoreTests
{
    [TestCase("/check")]
    [TestCase("/check/announced")]
    [TestCase("/v1/reply/none")]
    [TestCase("/healthz")]
    [TestCase("/readyz")]
    [TestCase("/unknown")]
    public async Task EveryAnswer_SaysOnceThatNobodyMayKeepIt(string path)
    {
        foreach (var response in (Sidecar.Protocol.Messages.AgentResponse[])[Sidecar.Protocol.Messages.AgentResponse.Allow, Answer.Block(418)
            .WithHeader("Cache-Control", "public, max-age=60")])
        {
            await using var harness = await HttpHarness.StartAsync(new TestAgent("waf", response));
            var socket = harness.Daemon.Directory.Socket("kept.sock");
            await using var listener = new KestrelListener(
                new KestrelListenerOptions { EndPoint = new UnixDomainSocketEndPoint(socket) }, NullLoggerFactory.Instance);
            await listener.StartAsync(new NoStore(harness.FrontEnd), CancellationToken.None);
            using var client = UnixHttp.Client(socket);
            using var request = UnixHttp.Get(path);
            request.Headers.TryAddWithoutValidation("X-Original-Method", "GET");
            request.Headers.TryAddWithoutValidation("X-Original-URI", "/");

            using var answer = await client.SendAsync(request);

            Assert.That(answer.Headers.GetValues("Cache-Control"), Is.EqualTo(new[] { "no-store" }), $"{(int)answer.StatusCode}");
            if (answer.Headers.TryGetValues("X-Sidecar-Reply", out var token) && token.Single() is { Length: > 0 } reply)
            {
                using var page = await client.SendAsync(UnixHttp.Get("/v1/reply/" + reply));
                Assert.That(((int)page.StatusCode, string.Join("|", page.Headers.GetValues("Cache-Control"))), Is.EqualTo((418, "no-store")));
            }
        }
    }

    [TestCase("/v1/decide", 405)]
    [TestCase("/healthz", 200)]
    [TestCase("/unknown", 404)]
    public async Task AnswersToScripts_SayItToo(string path, int status)
    {
        await using var harness = await JsonHarness.StartAsync(new LambdaAgent("waf"));
        await harness.ListenAsync();
        using var client = UnixHttp.Client(harness.HttpPath);

        using var answer = await client.SendAsync(UnixHttp.Get(path));

        Assert.That(((int)answer.StatusCode, string.Join("|", answer.Headers.GetValues("Cache-Control"))), Is.EqualTo((status, "no-store")));
    }
}
