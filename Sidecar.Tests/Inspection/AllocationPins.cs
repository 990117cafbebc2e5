using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;

namespace Sidecar.Tests.Inspection;

/// <summary>What the way of a request costs in memory, with agents that cost nothing: ceilings that only go down.</summary>
/// <remarks>
/// An agent answers from the thread pool, as a connection does. A figure is the least of several rounds: the runtime allocates for itself now and then.
/// </remarks>
[NonParallelizable]
internal sealed class AllocationPins
{
    private const int Runs = 1_000;
    private const int LeastRounds = 8;
    private const int MostRounds = 64;

    // What the thread pool and the clock's own tables may add to a run, over all runs of a round.
    private const double Slack = 8;

    private static readonly byte[] Piece = new byte[4096];

    [TestCase(0, 144)]
    [TestCase(1, 512)]
    [TestCase(2, 728)]
    [TestCase(4, 1160)]
    public async Task Exchange_AllocatesNoMoreThanItDid(int agents, int ceiling)
    {
        await using var rig = await SwiftRig.StartAsync(agents, EventSet.RequestHeaders);
        var message = TypicalMessages.RequestHeaders();

        await AssertAsync(ceiling, async () =>
        {
            var exchange = rig.Inspector.Begin("http", "shop.example", "/cart?item=1", "GET");
            await rig.Inspector.InspectAsync(exchange, message, rig.Inspector.DeadlineIn(TimeSpan.FromMinutes(1)));
            rig.Inspector.End(exchange);
        });
    }

    [TestCase(1, 0)]
    [TestCase(2, 0)]
    [TestCase(3, 0)]
    public async Task BodyPiece_AllocatesNoMoreThanItDid(int agents, int ceiling)
    {
        await using var rig = await SwiftRig.StartAsync(agents, EventSet.RequestHeaders | EventSet.RequestBodyChunk);
        var exchange = rig.Inspector.Begin("http", "shop.example", "/cart?item=1", "GET");
        await rig.Inspector.InspectAsync(exchange, TypicalMessages.RequestHeaders(), rig.Inspector.DeadlineIn(TimeSpan.FromMinutes(1)));

        var released = 0L;
        var runs = await AssertPooledAsync(ceiling, PushAsync);
        Assert.That(released, Is.EqualTo(runs * (long)Piece.Length), "all were shown and passed");
        rig.Inspector.End(exchange);

        // As a front end does it.
        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
        async ValueTask PushAsync()
        {
            using var step = await rig.Inspector.PushAsync(
                exchange, Direction.Request, new BodyPiece(Piece, BodyEnd.More), rig.Inspector.DeadlineIn(TimeSpan.FromMinutes(1))).ConfigureAwait(false);
            released += step.Release.Length;
        }
    }

    [TestCase(1376)]
    public async Task QuestionOfNginx_AllocatesNoMoreThanItDid(int ceiling)
    {
        await using var rig = await SwiftRig.StartAsync(1, EventSet.RequestHeaders);
        var options = new HttpListenerOptions { Name = "http" };
        var carried = new HeaderMapping(options);
        var tokens = new ReplyTokens(new byte[ReplyKeyFile.KeyLength], TimeProvider.System);
        var form = new AuthRequestResponse(carried, tokens, TimeProvider.System, NullLogger<AuthRequestResponse>.Instance);
        var endpoint = new CheckEndpoint(options, rig.Inspector, carried, form, NullLogger<CheckEndpoint>.Instance);
        var question = new HttpRequestFeature { Method = "GET", RawTarget = "/check" };
        foreach (var (name, value) in ((string, string)[])
        [
            ("Host", "sidecar"), ("X-Original-Method", "GET"), ("X-Original-URI", "/cart?item=1"), ("X-Forwarded-Host", "shop.example"),
            ("X-Forwarded-For", "192.0.2.7"), ("X-Request-Id", "0123456789abcdef0123456789abcdef"), ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
            ("Accept", "text/html"), ("Accept-Encoding", "gzip, br"), ("Accept-Language", "en"), ("Cookie", "session=0123456789abcdef"), ("Referer", "https://shop.example/"),
            ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "same-origin"), ("Cache-Control", "max-age=0"),
        ])
        {
            question.Headers[name] = value;
        }

        var answer = new HttpResponseFeature();
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(question);
        features.Set<IHttpResponseFeature>(answer);
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature());

        await AssertAsync(ceiling, () =>
        {
            answer.Headers.Clear();
            return endpoint.AnswerAsync(features);
        });
        Assert.That(answer.StatusCode, Is.EqualTo(200), "the agent was asked and allowed");
    }

    /// <summary>Says and checks what an operation allocates, on all threads.</summary>
    /// <param name="ceiling">In bytes.</param>
    /// <param name="operation">Run again and again.</param>
    /// <returns>How often it was run.</returns>
    internal static Task<int> AssertAsync(int ceiling, Func<Task> operation) => AssertPooledAsync(ceiling, () => new ValueTask(operation()));

    /// <summary>Likewise, of one that a task would cost more than itself.</summary>
    internal static async Task<int> AssertPooledAsync(int ceiling, Func<ValueTask> operation)
    {
        var (least, rounds) = (double.MaxValue, 0);

        // Which threads take turns can stay as it is for many rounds, and what one gives back the other does not find.
        for (; rounds < LeastRounds || (rounds < MostRounds && least > ceiling + Slack); rounds++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Runs; i++)
            {
                // Where it is resumed would be remembered in an object.
                await operation().ConfigureAwait(false);
            }

            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Runs);
        }

        await TestContext.Out.WriteLineAsync($"{least:0.0} B");
        Assert.That(least, Is.LessThanOrEqualTo(ceiling + Slack));
        return rounds * Runs;
    }
}
