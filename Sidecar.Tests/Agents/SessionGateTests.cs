using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Agents;

public sealed class SessionGateTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Test]
    public async Task OneAtATime_InOrderOfArrival()
    {
        var gate = new SessionGate();
        var clock = new FakeTimeProvider();
        Assert.That((gate.TryEnter(), gate.TryEnter()), Is.EqualTo((true, false)));
        var order = new List<int>();
        var waiting = Enumerable.Range(1, 5).Select(i => EnterAsync(gate, clock, order, i)).ToList();
        for (var i = 1; i <= 5; i++)
        {
            gate.Exit();
            Assert.That(await waiting[i - 1].WaitAsync(ScriptedAgent.Limit, TimeProvider.System), Is.True);
            Assert.That(gate.TryEnter(), Is.False, "the turn was handed on");
        }

        Assert.That(order, Is.EqualTo(new[] { 1, 2, 3, 4, 5 }));
        gate.Exit();
        Assert.That(gate.TryEnter(), Is.True);
    }

    [Test]
    public async Task Waiting_EndsAtTheLimitAndTheTurnGoesToTheNext()
    {
        var gate = new SessionGate();
        var clock = new FakeTimeProvider();
        gate.TryEnter();
        var impatient = gate.EnterAsync(Second, clock).AsTask();
        var patient = gate.EnterAsync(Second * 10, clock).AsTask();
        clock.AdvanceTicks(Second.Ticks - 1);
        Assert.That(clock.ArmedTimers, Is.EqualTo(2), "a tick before");
        clock.AdvanceTicks(1);
        Assert.That(await impatient, Is.False);
        gate.Exit();
        Assert.That(await patient, Is.True);
        await Eventually.TrueAsync(() => clock.ActiveTimers == 0, ScriptedAgent.Limit, "the timers to be gone");
    }

    [TestCase(0)]
    [TestCase(-5)]
    public async Task NoTimeLeft_TakesAnOpenGateButDoesNotWait(int seconds)
    {
        var gate = new SessionGate();
        Assert.That(await gate.EnterAsync(Second * seconds, new FakeTimeProvider()), Is.True);
        Assert.That(await gate.EnterAsync(Second * seconds, new FakeTimeProvider()), Is.False);
    }

    [Test]
    public async Task TurnAndLimitAtTheSameMoment_LoseNoTurn([Range(1, 30)] int seed)
    {
        var gate = new SessionGate();
        var clock = new FakeTimeProvider();
        gate.TryEnter();
        var waiting = Enumerable.Range(0, 4).Select(_ => gate.EnterAsync(Second, clock).AsTask()).ToList();
        var random = new Random(seed);
        var exit = Task.Run(() =>
        {
            for (var spin = random.Next(200); spin > 0; spin--)
            {
                Thread.SpinWait(10);
            }

            gate.Exit();
        });
        clock.Advance(Second);
        await exit;

        // Whoever got through leaves; in the end the gate must be open.
        foreach (var turn in waiting)
        {
            if (await turn.WaitAsync(ScriptedAgent.Limit, TimeProvider.System))
            {
                gate.Exit();
            }
        }

        Assert.That(gate.TryEnter(), Is.True);
    }

    private static async Task<bool> EnterAsync(SessionGate gate, FakeTimeProvider clock, List<int> order, int number)
    {
        var entered = await gate.EnterAsync(Second, clock);
        order.Add(number);
        return entered;
    }
}
