using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Tests.FrontEnds.Common;

/// <summary>The bound over all large messages of an envoy listener: who finds no room waits, and is refused when the time for that is up.</summary>
internal sealed class MessageMemoryTests
{
    private const int Limit = 1024 * 1024;
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    [Test]
    public async Task MessagesThatWait_AreServedOneAfterTheOther()
    {
        const int Count = 8;
        var memory = new ByteBudget(Limit, TimeProvider.System);
        var most = 0L;
        await using var agent = new LambdaAgent("waf")
        {
            Answers = (_, _) =>
            {
                InterlockedMax(ref most, memory.Used);
                return new(AgentResponse.Allow);
            },
        };
        await using var server = await EnvoyServer.StartAsync(new EnvoyOptions(), new HarnessOptions(), memory, agent);

        var answers = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => server.CheckAsync(Large())));

        Assert.That(answers.Select(static answer => answer.Status.Code), Is.All.Zero);
        Assert.That(Interlocked.Read(ref most), Is.InRange(600 * 1024, Limit), "one fits, two do not");
        await Eventually.TrueAsync(() => memory.Used == 0, Generous, "all room to be given back");
    }

    [Test]
    public async Task FullMemory_RefusesWhenTheTimeIsUp_AndSmallMessagesPass()
    {
        var clock = new FakeTimeProvider();
        var memory = new ByteBudget(Limit, clock);
        Assert.That(memory.TryReserve(Limit), Is.True);
        await using var agent = new LambdaAgent("waf");
        await using var server = await EnvoyServer.StartAsync(
            new EnvoyOptions(), new HarnessOptions { Time = clock, Budget = TimeSpan.FromSeconds(1) }, memory, agent);
        await using var call = server.Open();
        Assert.That((await call.AskAsync(Messages.Request(request: BodySendMode.Buffered)))!.RequestHeaders, Is.Not.Null, "a small one");

        var asked = server.CheckAsync(Large());

        // Not awaited: what does not fit the window is not taken before there is room.
        var writing = call.WriteAsync(Messages.Body(Direction.Request, new string('x', 600 * 1024), last: true), CancellationToken.None).AsTask();
        await Eventually.TrueAsync(() => memory.Waiting == 2, Generous, "both to wait for room");

        // A waiter may look at the clock a moment after it has taken its place, so once may be too early.
        var answered = call.ReadAsync(CancellationToken.None).AsTask();
        await Eventually.TrueAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(100));
                return asked.IsCompleted && answered.IsCompleted;
            },
            Generous,
            "both to be refused");

        Assert.That((await asked).DeniedResponse?.Status.Code, Is.EqualTo(503));
        Assert.That((await answered)?.ImmediateResponse?.Status.Code, Is.EqualTo(503));
        await writing;
        Assert.That(await server.Harness.EndedAsync(), Has.All.Contains("|refused|body-memory"));
        Assert.That(memory.Used, Is.EqualTo(Limit), "nobody gives back what another has");
    }

    private static Sidecar.Protocol.Envoy.CheckRequest Large()
    {
        var question = Messages.Question();
        question.Attributes.Request.Http.Body = new string('x', 600 * 1024);
        return question;
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Interlocked.Read(ref most); value > seen; seen = Interlocked.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }
}
