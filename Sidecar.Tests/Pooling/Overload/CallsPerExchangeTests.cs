using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling.Overload;

/// <summary>Whoever lets an exchange in lets in all of its calls: headers, and the body behind them.</summary>
public sealed class CallsPerExchangeTests
{
    private static readonly TimeSpan Service = TimeSpan.FromMilliseconds(7);

    [Test]
    public void QueueOfExchangesWithBodies_IsHalfAsLong()
    {
        var (one, two) = (SeatsAt(AnAgentThatIsBusy(calls: 1)), SeatsAt(AnAgentThatIsBusy(calls: 2)));
        Assert.That(one, Is.InRange(6, 17), "of the 17 calls that an agent of one worker does in 120 ms");
        Assert.That(two, Is.InRange(one / 4, one * 2 / 3));
    }

    [Test]
    public void FirstCall_StartsEarlyEnoughForThoseThatFollow()
    {
        var (time, pool) = AnAgentThatIsBusy(calls: 2);
        var deadline = time.Now + VirtualTime.TicksOf(1);
        var first = pool.Admission.LatestStart(time.Now, deadline, beginsExchange: true);
        var later = pool.Admission.LatestStart(time.Now, deadline, beginsExchange: false);
        Assert.That((double)(deadline - first) / (deadline - later), Is.EqualTo(pool.Admission.Limit.CallsPerExchange).Within(0.01));
        Assert.That(pool.Admission.Limit.CallsPerExchange, Is.EqualTo(2).Within(0.2));
    }

    private static (VirtualTime Time, ConnectionPool Pool) AnAgentThatIsBusy(int calls)
    {
        var time = new VirtualTime();
        var agent = new SimulatedAgent(time, 1, static () => Service.TotalSeconds);
        new Traffic(time, agent, new Random(1), "route").Closed(40, until: 2);
        time.RunUntil(3);
        for (var i = 0; i < 200; i++)
        {
            agent.Pool.Admission.Limit.Add(EventKind.RequestBodyChunk, Service, time.Now, inFlight: 1, isAnswered: true, beginsExchange: i % calls == 0);
        }

        return (time, agent.Pool);
    }

    private static int SeatsAt((VirtualTime Time, ConnectionPool Pool) agent)
    {
        var refusal = new Refusal(CallResult.Failed(CallOutcome.Shed, "busy"), TimeSpan.MaxValue, IsPaced: true);
        for (var seats = 0; ; seats++)
        {
            var message = TestEvents.Headers(seats) with { Metadata = new RequestMetadata { ClientIp = $"192.0.2.{seats}" } };
            var ask = new CallAsk(message, EventKind.RequestHeaders, null, agent.Time.Now + VirtualTime.TicksOf(0.12), "route", 4);
            if (agent.Pool.Admission.Queue(ask, refusal, out _) is null)
            {
                return seats;
            }
        }
    }
}
