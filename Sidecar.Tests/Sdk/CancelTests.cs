using Microsoft.Extensions.Logging.Testing;
using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Sdk;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

public sealed class CancelTests
{
    [Test]
    public async Task Defect42_HandlerThatHeedsItsToken_IsAnsweredAsCancelledAndSoAreThoseBehind()
    {
        var handler = new ScriptedHandler(WaitAsync);
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        await agent.Peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await agent.Peer.SendAsync(SampleEvents.Body(SampleEvents.A, [1]));
        await agent.Peer.SendAsync(SampleEvents.Body(SampleEvents.A, [2], 1));
        await StartedAsync(handler, 1);
        await agent.Peer.CancelAsync(SampleEvents.A);

        for (var i = 0; i < 3; i++)
        {
            AssertFailure(await agent.Peer.ReadAnswerAsync(), SampleEvents.A, ReasonCodes.Cancelled);
        }

        Assert.That(handler.Calls, Has.Count.EqualTo(1), "no handler runs for an event that nobody wants");
        Assert.That(agent.Logger.Collector.GetSnapshot().Select(entry => entry.Id.Id), Has.None.EqualTo(104), "a cancelled handler is no defect");
    }

    [Test]
    public async Task HandlerThatIgnoresItsToken_HasItsAnswerSent()
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (_, cancellation) =>
        {
            await using var registration = cancellation.Register(fired.SetResult);
            await fired.Task;
            return Answer.Block(451);
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        await agent.Peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await StartedAsync(handler, 1);
        await agent.Peer.CancelAsync(SampleEvents.A);
        Assert.That(((BlockDecision)(await agent.Peer.ReadAnswerAsync()).Response.Decision).Status, Is.EqualTo(451));
    }

    [Test]
    public async Task UnknownId_HarmsNothing()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (_, cancellation) =>
        {
            await release.Task.WaitAsync(cancellation);
            return AgentResponse.Allow;
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        await agent.Peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await agent.Peer.CancelAsync(SampleEvents.B);
        await agent.Peer.CancelAsync(default);
        await agent.Peer.PingAsync();
        release.SetResult();
        Assert.That((await agent.Peer.ReadAnswerAsync()).Response.Decision, Is.InstanceOf<AllowDecision>());
    }

    [Test]
    public async Task CancelAfterTheAnswer_DoesNotHitTheNextEventOfTheExchange()
    {
        var handler = new ScriptedHandler((_, cancellation) =>
            new ValueTask<AgentResponse>(cancellation.IsCancellationRequested ? Answer.Block() : Answer.Allow));
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        for (var i = 0; i < 300; i++)
        {
            Assert.That((await agent.Peer.AskAsync(SampleEvents.Request(SampleEvents.A))).Response.Decision, Is.InstanceOf<AllowDecision>());
            await agent.Peer.CancelAsync(SampleEvents.A);
        }
    }

    [Test]
    public void CancelThatComesLate_DoesNotHitTheEventThatReusesTheObject()
    {
        var token = CancellationToken.None;
        var never = new TaskCompletionSource<AgentResponse>();
        var handler = new ScriptedHandler((_, cancellation) =>
        {
            token = cancellation;
            return new ValueTask<AgentResponse>(never.Task);
        });
        var pair = new DuplexPipePair();
        var logger = new FakeLogger();
        var options = new AgentServerOptions { Capabilities = AgentHarness.Capabilities, SocketPath = "" };
        using var workers = new WorkQueue(options, logger);
        var dispatcher = new EventDispatcher(
            new AgentConnection("1", pair.Near, handler, options, workers, logger),
            new FrameConnection(pair.Near),
            Protocol.Dialects.AgentDialect.Native,
            Protocol.Encodings.MessageEncodings.Json,
            handler,
            options,
            workers,
            logger);
        var queues = new ExchangeQueues(dispatcher, 10, long.MaxValue);
        var first = queues.Enter(SampleEvents.Request(SampleEvents.A), null, 0, out _)!;
        var late = queues.Of(SampleEvents.A).Single();
        queues.Leave(first);
        var second = queues.Enter(SampleEvents.Request(SampleEvents.B), null, 0, out _)!;
        Assert.That(second, Is.SameAs(first), "the object is reused, or this test shows nothing");

        second.Execute();
        Assert.That(late.Work.TryCancel(late.Round), Is.False);
        Assert.That(token.IsCancellationRequested, Is.False);
        var (work, round) = queues.Of(SampleEvents.B).Single();
        work.TryCancel(round);
        Assert.That(token.IsCancellationRequested, Is.True);
    }

    [Test]
    public async Task CallbackThatThrows_IsLoggedAndTheAnswerComes()
    {
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new ScriptedHandler(async (_, cancellation) =>
        {
            cancellation.Register(() => throw new FormatException("callback"));
            registered.SetResult();
            return await WaitAsync(null!, cancellation);
        });
        await using var agent = await AgentHarness.IntroducedAsync(handler);
        await agent.Peer.SendAsync(SampleEvents.Request(SampleEvents.A));
        await registered.Task.WaitAsync(Wire.Limit);
        await agent.Peer.CancelAsync(SampleEvents.A);
        AssertFailure(await agent.Peer.ReadAnswerAsync(), SampleEvents.A, ReasonCodes.Cancelled);
        await agent.Logger.Collector.WaitForAsync(entry => entry.Id.Id == 106, Wire.Limit);
    }

    [Test]
    public async Task VanishedPeer_CancelsEveryHandler()
    {
        var cancelled = new CountdownEvent(3);
        var handler = new ScriptedHandler(async (message, cancellation) =>
        {
            try
            {
                return await WaitAsync(message, cancellation);
            }
            finally
            {
                cancelled.Signal();
            }
        });
        var agent = await AgentHarness.IntroducedAsync(handler);
        for (var i = 1; i <= 3; i++)
        {
            await agent.Peer.SendAsync(SampleEvents.Request(new CorrelationId((UInt128)i)));
        }

        await StartedAsync(handler, 3);
        await agent.DisposeAsync();
        Assert.That(cancelled.Wait(Wire.Limit), Is.True);
        await agent.Connection.WaitForHandlersAsync().WaitAsync(Wire.Limit);
        Assert.That(agent.Connection.Outstanding, Is.Zero);
    }

    internal static async ValueTask<AgentResponse> WaitAsync(AgentEvent message, CancellationToken cancellation)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        return AgentResponse.Allow;
    }

    internal static Task StartedAsync(ScriptedHandler handler, int count) =>
        Eventually.TrueAsync(() => handler.Calls.Count >= count, Wire.Limit, $"{count} handlers to start");

    internal static void AssertFailure(Protocol.Encodings.AgentAnswer answer, CorrelationId id, string reason)
    {
        Assert.That(answer.CorrelationId, Is.EqualTo(id));
        Assert.That((answer.Response.Decision as BlockDecision)?.Status, Is.EqualTo(500));
        Assert.That(answer.Response.Audit.ReasonCodes, Is.EqualTo(new[] { reason }));
        Assert.That(ReasonCodes.IsFailure(answer.Response), Is.True);
    }
}
