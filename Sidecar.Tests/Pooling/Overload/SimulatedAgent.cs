using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Tests.Pooling.Overload;

/// <summary>An agent of so many workers, each busy with one call at a time, behind the admission of a real pool with the default settings.</summary>
internal sealed class SimulatedAgent
{
    private static readonly TimeSpan Ceiling = CallSettings.HeaderTimeout.Default;

    private readonly VirtualTime _time;
    private readonly Func<double> _service;
    private readonly FakeConnection[] _connections;
    private readonly Queue<SimulatedCall> _work = new();
    private readonly List<SimulatedCall> _waiting = [];
    private readonly int _workers;
    private int _busy;

    /// <summary>An agent.</summary>
    /// <param name="time">The time of all.</param>
    /// <param name="workers">Calls that it works on at once.</param>
    /// <param name="service">Draws how many seconds of work a call is.</param>
    /// <param name="maxInFlight">The operator's limit of calls in flight; 0 to follow the agent.</param>
    public SimulatedAgent(VirtualTime time, int workers, Func<double> service, int maxInFlight = 0)
    {
        (_time, _workers, _service) = (time, workers, service);
        _connections = [.. Enumerable.Range(0, 4).Select(static i => new FakeConnection($"c{i}", maxInFlight: 256))];
        var settings = PoolTests.Settings(_connections.Length) with
        {
            MaxCalls = maxInFlight,
            Queue = CallSettings.Queue.Default,
            QueueWait = CallSettings.QueueWait.Default,
            Breaker = new BreakerSettings
            {
                FailurePercent = CallSettings.BreakerRate.Default,
                MinCalls = CallSettings.BreakerCalls.Default,
                Window = CallSettings.BreakerWindow.Default,
                Consecutive = CallSettings.BreakerFailures.Default,
                OpenFor = CallSettings.BreakerOpen.Default,
            },
        };
        var dialer = new ScriptedDialer(static _ => null, time);
        Pool = new ConnectionPool(settings, dialer, new FillThenSpread(), new Random(1), time, NullLogger.Instance);
        var endpoint = new PoolEndpoint(0, dialer, new Backoff(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1), new Random(1)));
        Array.ForEach(_connections, connection => Pool.Add(connection, endpoint));
    }

    /// <summary>The pool.</summary>
    public ConnectionPool Pool { get; }

    /// <summary>Until when its workers stand still, in seconds.</summary>
    public double StalledUntil { get; set; }

    /// <summary>A call comes.</summary>
    public void Ask(SimulatedCall call)
    {
        call.Asked = _time.Now;
        if (Pool.Admission.TryEnter(call.Request, ref call.Permit, out var refusal))
        {
            Send(call);
            return;
        }

        if (Pool.Admission.Queue(call.Request, refusal, out var refused) is not { } waiter)
        {
            call.End(refused.Outcome);
            return;
        }

        (call.Waiter, call.Refusal) = (waiter, refusal);
        _waiting.Add(call);
        var latest = Pool.Admission.LatestStart(_time.Now, call.Request.Deadline, call.Request.Lease is null);
        _time.At(refusal.IsPaced ? latest : call.Request.Deadline, () => GiveUp(call));
        Look();
    }

    // What the loops of waiting calls do, in the order of their coming.
    private void Look()
    {
        for (var i = 0; i < _waiting.Count; i++)
        {
            var call = _waiting[i];
            if (!call.Waiter!.IsWoken && call.HasLooked)
            {
                continue;
            }

            call.HasLooked = true;
            call.Waiter.Look();
            if (call.Waiter.IsShed)
            {
                StopWaiting(call, WaitEnd.Gone);
                call.End(Pool.Admission.TooLate(call.Refusal).Outcome);
                i = -1;
            }
            else if (Pool.Admission.IsTurnOf(call.Waiter) && Pool.Admission.TryEnter(call.Request, ref call.Permit, out var refusal, hasTurn: true))
            {
                StopWaiting(call, WaitEnd.Served);
                Send(call);
                i = -1;
            }
        }
    }

    private void GiveUp(SimulatedCall call)
    {
        if (_waiting.Contains(call))
        {
            StopWaiting(call, WaitEnd.Late);
            call.End(Pool.Admission.TooLate(call.Refusal).Outcome);
            Look();
        }
    }

    private void StopWaiting(SimulatedCall call, WaitEnd end)
    {
        _waiting.Remove(call);
        Pool.Admission.LeaveQueue(call.Waiter!, end);
    }

    private void Send(SimulatedCall call)
    {
        call.Sent = _time.Now;
        var connection = (FakeConnection)call.Permit.Connection!.Connection;
        connection.InFlight++;
        call.OnConnection = connection;
        _work.Enqueue(call);
        _time.At(call.Request.Deadline, () =>
        {
            if (!call.IsEnded)
            {
                connection.Owed++;
                Leave(call, CallResult.Failed(CallOutcome.TimedOut, "simulated"));
                Look();
            }
        });
        Work();
    }

    private void Work()
    {
        while (_busy < _workers && _work.TryDequeue(out var call))
        {
            _busy++;
            _time.In(_service() + Math.Max(0, StalledUntil - _time.Seconds), () => Finish(call));
        }
    }

    private void Finish(SimulatedCall call)
    {
        _busy--;
        call.OnConnection!.InFlight--;
        if (call.IsEnded)
        {
            call.OnConnection.Owed--;
            Pool.OnSlotFreed(call.OnConnection);
        }
        else
        {
            Leave(call, CallResult.Answered(AgentResponse.Allow));
        }

        Work();
        Look();
    }

    private void Leave(SimulatedCall call, CallResult result)
    {
        Pool.Admission.Leave(
            ref call.Permit, result, EventKind.RequestHeaders, _time.GetElapsedTime(call.Sent, _time.Now),
            _time.GetElapsedTime(call.Sent, call.Request.Deadline), Ceiling, keepsSlot: false);
        call.End(result.Outcome);

        // Its watch would ping the connection, and the agent answer.
        if (Pool.Live.FirstOrDefault(pooled => pooled.Connection == call.OnConnection) is { IsEjected: true } ejected)
        {
            _time.In(0.05, () => Pool.Ejection.Readmit(ejected));
        }
    }
}

/// <summary>A call in a simulation.</summary>
internal sealed class SimulatedCall(CallAsk request, Action<SimulatedCall, CallOutcome> ended)
{
    public CallPermit Permit;

    public CallAsk Request => request;

    public Waiter? Waiter { get; set; }

    public Refusal Refusal { get; set; }

    /// <summary>Whether it has looked since it waits; later it looks when it is woken.</summary>
    public bool HasLooked { get; set; }

    public FakeConnection? OnConnection { get; set; }

    public long Asked { get; set; }

    public long Sent { get; set; }

    public bool IsEnded { get; private set; }

    public void End(CallOutcome outcome)
    {
        IsEnded = true;
        ended(this, outcome);
    }
}
