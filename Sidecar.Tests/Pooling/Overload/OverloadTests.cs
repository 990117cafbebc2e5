using NUnit.Framework;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Tests.Pooling.Overload;

/// <summary>What an agent that is asked for more than it can do still answers: simulated, with the pool's real admission, on time that costs nothing.</summary>
/// <remarks>The seeds are fixed: what is asserted is exact. Capacity is what the workers could do if none of them ever waited.</remarks>
public sealed class OverloadTests
{
    private const double Service = 0.007;
    private const int Workers = 2;
    private const double Capacity = Workers / Service;
    /// <summary>How long a caller waits, in seconds.</summary>
    public const double Budget = 0.12;

    /// <summary>How the work of calls scatters.</summary>
    public enum Scatter
    {
        /// <summary>Not at all.</summary>
        None,

        /// <summary>Like an exponential.</summary>
        Exponential,

        /// <summary>Four of five calls are short, one is long.</summary>
        TwoPeaks,
    }

    [Test]
    public void CpuBound_GivesAsManyGoodAnswersAsItCan(
        [Values(1, 2, 5, 20)] int offered, [Values] bool isClosed, [Values] Scatter scatter)
    {
        var seconds = offered == 1 ? 10 : 3;
        var ideal = offered == 1 && !isClosed ? IdealShare(scatter, 1) : 1;
        var runs = Seeds(30, seed =>
        {
            var (time, random) = (new VirtualTime(), new Random(seed));
            var agent = new SimulatedAgent(time, Workers, () => Draw(random, scatter));
            var traffic = new Traffic(time, agent, random, "route");
            if (isClosed)
            {
                traffic.Closed(Workers * offered);
            }
            else
            {
                traffic.Open(Capacity * offered);
            }

            time.RunUntil(2);
            traffic.Count();
            time.RunUntil(2 + seconds);
            var most = offered == 1 && !isClosed ? traffic.Asked * ideal : seconds * Capacity;
            return (Share: traffic.Good / most, P99: traffic.P99(), Late: traffic.LateRefusals());
        });
        Report(runs.Average(static run => run.Share), runs.Min(static run => run.Share), runs.Max(static run => run.P99), ideal);
        TestContext.Out.WriteLine($"refused later than after 5 ms {runs.Average(static run => run.Late):0.0000}");
        if (offered > 1)
        {
            Assert.That(runs.Average(static run => run.Late), Is.LessThan(scatter == Scatter.TwoPeaks ? 0.06 : 0.02), "a refusal comes at once");
        }

        Assert.That(runs.Average(static run => run.Share), Is.GreaterThanOrEqualTo(offered switch { 1 or 2 => 0.95, 5 => 0.9, _ => 0.85 }));
        Assert.That(runs.Min(static run => run.Share), Is.GreaterThanOrEqualTo(0.75), "no seed is a collapse");
        Assert.That(runs.Max(static run => run.P99), Is.LessThanOrEqualTo(Budget));
    }

    [Test]
    public void AfterTheOverload_TheFullRateIsThereWithinASecond([Values] Scatter scatter)
    {
        var ideal = IdealShare(scatter, 0.8);
        var runs = Seeds(60, seed =>
        {
            var (time, random) = (new VirtualTime(), new Random(seed));
            var agent = new SimulatedAgent(time, Workers, () => Draw(random, scatter));
            new Traffic(time, agent, random, "flood").Open(20 * Capacity, until: 3);
            time.RunUntil(3);
            var after = new Traffic(time, agent, random, "after");
            after.Open(0.8 * Capacity);
            time.RunUntil(4);
            after.Count();
            time.RunUntil(6);
            return (Share: after.Good / (after.Asked * ideal), Ejected: agent.Pool.Live.Count(static connection => connection.IsEjected));
        });
        Report(runs.Average(static run => run.Share), runs.Min(static run => run.Share), 0);
        Assert.That(runs.Average(static run => run.Share), Is.GreaterThanOrEqualTo(0.95));
        Assert.That(runs.Sum(static run => run.Ejected), Is.Zero, "no connection stays out");
    }

    [Test]
    public void AfterAStall_TheFullRateIsThereWithinASecond()
    {
        var runs = Seeds(60, seed =>
        {
            var (time, random) = (new VirtualTime(), new Random(seed));
            var agent = new SimulatedAgent(time, Workers, () => Draw(random, Scatter.Exponential));
            var traffic = new Traffic(time, agent, random, "route");
            traffic.Open(2 * Capacity);
            time.RunUntil(2);
            agent.StalledUntil = time.Seconds + 0.3;
            time.RunUntil(3.3);
            traffic.Count();
            time.RunUntil(6.3);
            return traffic.Good / (3 * Capacity);
        });
        Report(runs.Average(), runs.Min(), 0);
        Assert.That(runs.Average(), Is.GreaterThanOrEqualTo(0.95));
    }

    [Test]
    public void LatencyBound_LosesNothingToALimitThatIsFixedAtItsStatedCap([Values(Scatter.None, Scatter.Exponential)] Scatter scatter)
    {
        double Run(int seed, int maxInFlight)
        {
            var (time, random) = (new VirtualTime(), new Random(seed));
            double Wait() => scatter == Scatter.None ? 0.05 : 0.02 - (0.03 * Math.Log(1 - random.NextDouble()));
            var agent = new SimulatedAgent(time, 100_000, Wait, maxInFlight);
            var traffic = new Traffic(time, agent, random, "route", budget: 0.4);
            traffic.Closed(1000);
            time.RunUntil(2.5);
            traffic.Count();
            time.RunUntil(4.5);
            return traffic.Good;
        }

        var runs = Seeds(6, seed => Run(seed, 0) / Run(seed, 1024));
        Report(runs.Average(), runs.Min(), 0);
        Assert.That(runs.Average(), Is.GreaterThanOrEqualTo(0.99));
    }

    [Test]
    public void RouteThatFloods_TakesNothingFromAnother([Values(4, 16)] int weight)
    {
        var runs = Seeds(60, seed =>
        {
            var (time, random) = (new VirtualTime(), new Random(seed));
            var agent = new SimulatedAgent(time, Workers, () => Draw(random, Scatter.Exponential));
            var quiet = new Traffic(time, agent, random, "quiet", weight);
            quiet.Open(0.3 * Capacity);
            new Traffic(time, agent, random, "flood").Open(20 * Capacity, clients: 100_000);
            time.RunUntil(1);
            quiet.Count();
            time.RunUntil(4);
            return (double)quiet.Good / quiet.Asked;
        });
        Report(runs.Average(), runs.Min(), 0);
        Assert.That(runs.Average(), Is.GreaterThanOrEqualTo(0.9));
    }

    [Test]
    public void ClientThatFloods_TakesNothingFromOthersOfItsRoute()
    {
        var runs = Seeds(60, seed =>
        {
            var (time, random) = (new VirtualTime(), new Random(seed));
            var agent = new SimulatedAgent(time, Workers, () => Draw(random, Scatter.Exponential));
            var quiet = new Traffic(time, agent, random, "route");
            quiet.Open(0.3 * Capacity, clients: 20);
            new Traffic(time, agent, new Random(seed), "route").Open(20 * Capacity, clients: 1);
            time.RunUntil(1);
            quiet.Count();
            time.RunUntil(4);
            return (double)quiet.Good / quiet.Asked;
        });
        Report(runs.Average(), runs.Min(), 0);
        Assert.That(runs.Average(), Is.GreaterThanOrEqualTo(0.9));
    }

    [Test]
    public void SlowAgent_IsNotTakenForADeadOne()
    {
        var (time, random) = (new VirtualTime(), new Random(1));
        var agent = new SimulatedAgent(time, Workers, () => Draw(random, Scatter.Exponential));
        var traffic = new Traffic(time, agent, random, "route");
        traffic.Closed(48);
        time.RunUntil(5);
        Assert.That(agent.Pool.Admission.Breaker.State, Is.EqualTo(BreakerState.Closed));
        Assert.That(traffic.Ends.Keys, Is.SubsetOf(new[] { CallOutcome.Answered, CallOutcome.Shed, CallOutcome.TimedOut, CallOutcome.QueueFull }));
        Assert.That(traffic.Ends.GetValueOrDefault(CallOutcome.TimedOut), Is.LessThan(traffic.Good / 10), "what is late was not sent");
    }

    [Test]
    public void Limit_SettlesNearTheWorkers([Values(1, 2, 8)] int workers)
    {
        var limits = Seeds(20, seed =>
        {
            var (time, random) = (new VirtualTime(), new Random(seed));
            var agent = new SimulatedAgent(time, workers, static () => Service);
            new Traffic(time, agent, random, "route").Open(5 * workers / Service);
            time.RunUntil(4);
            return agent.Pool.Admission.Limit.Current;
        });
        Assert.That(limits, Has.All.InRange(workers, (2 * workers) + 3));
    }

    [Test]
    public void Limit_OfAnAgentThatOnlyWaits_GrowsToWhatItStates()
    {
        var (unbounded, draws) = (new VirtualTime(), new Random(1));
        var waits = new SimulatedAgent(unbounded, 100_000, static () => 0.05);
        new Traffic(unbounded, waits, draws, "route", budget: 0.4).Closed(1100);
        unbounded.RunUntil(4);
        Assert.That((waits.Pool.Admission.Limit.Current, waits.Pool.Admission.Limit.Reason), Is.EqualTo((1024, LimitReason.Ceiling)));
    }

    // Callers in a hurry say nothing about an agent that others have the patience for.
    [Test]
    public void CallersShortDeadlines_DoNotOpenTheBreaker()
    {
        var (time, random) = (new VirtualTime(), new Random(1));
        var agent = new SimulatedAgent(time, 16, static () => 0.03);
        var hasty = new Traffic(time, agent, random, "hasty", budget: 0.0288);
        hasty.Open(500, until: 2);
        time.RunUntil(2);
        var patient = new Traffic(time, agent, random, "patient");
        patient.Open(200);
        time.RunUntil(4);
        Assert.That(hasty.Good, Is.Zero);
        Assert.That(agent.Pool.Admission.Breaker.State, Is.EqualTo(BreakerState.Closed));
        Assert.That((double)patient.Good / patient.Asked, Is.GreaterThan(0.97));
    }

    // Of requests that come at random some meet so many others that nobody could answer them in time: the part that somebody would answer
    // who knows how much work is in front of each, and takes each that has the time of an average call behind it.
    private static double IdealShare(Scatter scatter, double offered)
    {
        var random = new Random(0);
        var free = new double[Workers];
        var (now, good) = (0.0, 0);
        const int Requests = 200_000;
        for (var request = 0; request < Requests; request++)
        {
            now -= Math.Log(1 - random.NextDouble()) / (Capacity * offered);
            var worker = Array.IndexOf(free, free.Min());
            var begin = Math.Max(now, free[worker]);
            if (begin <= now + Budget - Service)
            {
                free[worker] = begin + Draw(random, scatter);
                good += free[worker] <= now + Budget ? 1 : 0;
            }
        }

        return (double)good / Requests;
    }

    private static double Draw(Random random, Scatter scatter) => scatter switch
    {
        Scatter.Exponential => -Service * Math.Log(1 - random.NextDouble()),
        Scatter.TwoPeaks => random.NextDouble() < 0.8 ? 0.002 : 0.027,
        _ => Service,
    };

    private static List<T> Seeds<T>(int count, Func<int, T> run) =>
        [.. Enumerable.Range(1, count).AsParallel().AsOrdered().WithDegreeOfParallelism(2).Select(run)];

    private static void Report(double average, double least, double p99, double ideal = 1) =>
        TestContext.Out.WriteLine($"average {average:0.000}, least {least:0.000}, p99 {p99 * 1000:0} ms, of {ideal:0.000}");
}
