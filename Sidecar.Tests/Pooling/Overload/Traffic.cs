using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Pooling.Overload;

/// <summary>
/// Who asks a simulated agent, and what came of it: a route with clients that ask again when they have an answer, or requests that come anyway.
/// </summary>
internal sealed class Traffic(
    VirtualTime time, SimulatedAgent agent, Random random, object route, int weight = 4, double budget = OverloadTests.Budget)
{
    // From one request of a client to the next, at the least.
    private const double ThinkTime = 0.0002;

    private readonly Dictionary<CallOutcome, int> _ends = [];
    private readonly List<double> _times = [];
    private double _countFrom;
    private int _late;
    private int _asked;
    private int _number;

    /// <summary>Calls answered since counting began.</summary>
    public int Good => _ends.GetValueOrDefault(CallOutcome.Answered);

    /// <summary>Calls asked for since.</summary>
    public int Asked => _asked;

    /// <summary>How calls ended since.</summary>
    public IReadOnlyDictionary<CallOutcome, int> Ends => _ends;

    /// <summary>Counts from now on.</summary>
    public void Count()
    {
        (_countFrom, _asked) = (time.Seconds, 0);
        _late = 0;
        _ends.Clear();
        _times.Clear();
    }

    /// <summary>Good answers in a second, since counting began.</summary>
    public double Rate => Good / (time.Seconds - _countFrom);

    /// <summary>Of the good answers 99 in 100 took at most so many seconds.</summary>
    public double P99()
    {
        _times.Sort();
        return _times.Count == 0 ? 0 : _times[(int)(_times.Count * 0.99)];
    }

    /// <summary>The part of the refusals that came later than 5 ms.</summary>
    public double LateRefusals() => (double)_late / Math.Max(1, _ends.Values.Sum() - Good);

    /// <summary>So many clients, each with one request at a time, from now until then.</summary>
    public void Closed(int clients, double until = double.MaxValue)
    {
        for (var client = 0; client < clients; client++)
        {
            var name = $"192.0.2.{client}";
            time.In(random.NextDouble() * 0.01, () => Ask(name, until, again: true));
        }
    }

    /// <summary>So many requests a second, at random, from so many clients, from now until then.</summary>
    public void Open(double rate, int clients = 1000, double until = double.MaxValue)
    {
        time.In(-Math.Log(1 - random.NextDouble()) / rate, () =>
        {
            if (time.Seconds < until)
            {
                Ask($"192.0.2.{random.Next(clients)}", until, again: false);
                Open(rate, clients, until);
            }
        });
    }

    private void Ask(string client, double until, bool again)
    {
        if (time.Seconds >= until)
        {
            return;
        }

        _asked++;
        var message = TestEvents.Headers(++_number) with { Metadata = new RequestMetadata { ClientIp = client } };
        var deadline = time.Now + VirtualTime.TicksOf(budget);
        agent.Ask(new SimulatedCall(new CallAsk(message, EventKind.RequestHeaders, null, deadline, route, weight), (call, outcome) =>
        {
            _ends[outcome] = _ends.GetValueOrDefault(outcome) + 1;
            var took = (double)(time.Now - call.Asked) / TimeSpan.TicksPerSecond;
            if (outcome == CallOutcome.Answered)
            {
                _times.Add(took);
            }
            else if (took > 0.005)
            {
                _late++;
            }

            if (again)
            {
                time.In(ThinkTime, () => Ask(client, until, again));
            }
        }));
    }
}
