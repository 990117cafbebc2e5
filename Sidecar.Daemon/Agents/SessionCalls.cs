using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>The way of a session's calls to a connection: let through or kept waiting by the agent's version, then sent on the exchange's connection.</summary>
/// <remarks>
/// One call at a time has the gate, and with it the pass. With free capacity the connection's own task is handed through: no await, nothing
/// allocated.
/// </remarks>
internal abstract class SessionCalls
{
    /// <summary>Recognised by reference: the end of calls that were withdrawn before anything was sent.</summary>
    protected static readonly string Withdrawn = new("the event was no longer wanted when its turn came");

    /// <summary>What the call that has the gate holds.</summary>
    protected CallPermit Pass;

    /// <summary>When that call went through its stages.</summary>
    protected CallTimes Times;

    private readonly VersionPlan _plan;
    private volatile Waiter? _waiter;
    private volatile bool _told;

    // Whether the leased connection may hold something for the exchange. Changed by the one who has the gate.
    private bool _isHeld;
    private int _withdrawals;
    private VersionLease _lease;

    /// <summary>A session with a version of its agent; <see cref="HasJoined"/> says whether there was one to have.</summary>
    protected SessionCalls(AgentState agent, AgentPolicy policy, VersionPlan plan, CorrelationId exchange, bool awaitsKey)
    {
        (Agent, Policy, _plan, Exchange) = (agent, policy, plan, exchange);

        // Where the request's headers choose, whatever is held until then counts in no round.
        HasJoined = awaitsKey ? VersionLease.TryTake(plan.Main, out _lease) : plan.TryJoin(out _lease);
    }

    /// <summary>The agent.</summary>
    public AgentState Agent { get; }

    /// <summary>How it takes part in this exchange.</summary>
    public AgentPolicy Policy { get; }

    /// <summary>The version chosen for the whole exchange.</summary>
    public AgentVersion Version => _lease.Version;

    /// <summary>
    /// Whether it has a version, to be left by <see cref="Leave"/>. False when the model that it is of has been replaced: then it is of no use.
    /// </summary>
    public bool HasJoined { get; }

    /// <summary>The exchange.</summary>
    protected CorrelationId Exchange { get; }

    /// <summary>Keeps one call outstanding at a time.</summary>
    protected SessionGate Gate { get; } = new();

    /// <summary>The connection of the exchange; null before its first event.</summary>
    protected PooledConnection? Lease { get; set; }

    /// <summary>The client's session that the exchange belongs to; null for none.</summary>
    protected StickyKey? Sticky { get; private set; }

    /// <summary>Whether the agent was sent the request headers.</summary>
    protected bool IsTold
    {
        get => _told;
        set => _told = value;
    }

    /// <summary>Changes when calls that were asked for before are no longer wanted.</summary>
    protected int Withdrawals => Volatile.Read(ref _withdrawals);

    /// <summary>
    /// What the version was to wait for is known: the exchange goes to that of the client's session, and to the connection of that, if it takes new
    /// exchanges. Before the first event is sent.
    /// </summary>
    /// <param name="key">The client's session; null for none.</param>
    public void Choose(StickyKey? key)
    {
        if (Lease is not null)
        {
            return;
        }

        Sticky = key;
        if (key is { } known ? _plan.TryJoin(known, out var lease) : _plan.TryJoin(out lease))
        {
            _lease.Leave();
            _lease = lease;
        }
    }

    /// <summary>The exchange is over. Once, and only of a session that has joined.</summary>
    public void Leave() => _lease.Leave();

    /// <summary>Calls asked for so far are no longer wanted; one that waits to be let through ends.</summary>
    protected void Withdraw()
    {
        Interlocked.Increment(ref _withdrawals);
        _waiter?.Wake();
    }

    /// <summary>The exchange is over for the connection that it was put on, if any: what that holds for it is freed.</summary>
    protected void ReleaseConnection()
    {
        if (_isHeld)
        {
            _isHeld = false;
            Lease!.Connection.Release(Exchange);
            Lease.Leave();
        }
    }

    /// <summary>Sends an event as soon as it may go. For the one who has the gate.</summary>
    /// <param name="ask">The call.</param>
    /// <param name="withdrawals">What <see cref="Withdrawals"/> was when it was asked for.</param>
    protected ValueTask<CallResult> EnterAndCall(in CallAsk ask, int withdrawals)
    {
        // Between the choice and the call another exchange may take the last slot; then the next connection is tried, each at most once.
        for (var attempts = Version.Pool.Live.Count; ; attempts--)
        {
            if (!Version.Admission.TryEnter(ask, ref Pass, out var refusal))
            {
                return refusal.Wait > TimeSpan.Zero ? WaitAndCallAsync(ask, withdrawals, refusal) : new(refusal.Result);
            }

            // Nobody has waited: another look at the clock would show no other time.
            if (!HasLostSlot(ask, CallOn(ask, withdrawals, Times.Entered), out var answer, out var result))
            {
                return answer;
            }

            if (attempts <= 1)
            {
                Version.Admission.Return(ref Pass, wakes: false);
                return WaitAndCallAsync(ask, withdrawals, Version.Admission.Lost(result));
            }

            Version.Admission.Return(ref Pass, wakes: false);
        }
    }

    private async ValueTask<CallResult> WaitAndCallAsync(CallAsk ask, int withdrawals, Refusal refusal)
    {
        var since = Agent.Time.GetTimestamp();
        var admission = Version.Admission;
        if (admission.Queue(ask, refusal, out var refused) is not { } waiter)
        {
            return refused;
        }

        ValueTask<CallResult> answer;
        try
        {
            _waiter = waiter;
            for (var isLast = false; ;)
            {
                waiter.Look();
                if (withdrawals != Withdrawals)
                {
                    return CallResult.Failed(CallOutcome.Cancelled, Withdrawn);
                }

                if (isLast || admission.IsTurnOf(waiter))
                {
                    if (!admission.TryEnter(ask, ref Pass, out refusal, hasTurn: true))
                    {
                        if (isLast || refusal.Wait <= TimeSpan.Zero)
                        {
                            return refusal.Result;
                        }
                    }
                    else if (!HasLostSlot(ask, CallOn(ask, withdrawals, Agent.Time.GetTimestamp()), out answer, out var lost))
                    {
                        break;
                    }
                    else
                    {
                        admission.Return(ref Pass, wakes: false);
                        refusal = admission.Lost(lost);
                        if (isLast)
                        {
                            return lost;
                        }
                    }
                }

                isLast = !await admission.WaitAsync(waiter, since, refusal.Wait, ask.Deadline).ConfigureAwait(false);
            }
        }
        finally
        {
            _waiter = null;
            admission.LeaveQueue(waiter);
        }

        return await answer.ConfigureAwait(false);
    }

    private bool HasLostSlot(in CallAsk ask, ValueTask<CallResult> call, out ValueTask<CallResult> answer, out CallResult result)
    {
        (answer, result) = (call, default);
        if (!call.IsCompletedSuccessfully)
        {
            return false;
        }

        result = call.GetAwaiter().GetResult();
        answer = new(result);
        if (result.Outcome != CallOutcome.NoRoom)
        {
            return false;
        }

        // The exchange is not on a connection that refused its first event, and may be put on another.
        if (_isHeld && ask.Lease is null)
        {
            _isHeld = false;
            Lease!.Leave();
        }

        return true;
    }

    private ValueTask<CallResult> CallOn(in CallAsk ask, int withdrawals, long permitted)
    {
        var message = ask.Message;
        Times = Times with { Permitted = permitted };
        Lease = Pass.Connection!;
        var connection = Lease.Connection;
        if (!connection.IsOpen)
        {
            return new(CallResult.Failed(CallOutcome.ConnectionLost, "the connection that knew this exchange has ended"));
        }

        // An agent that states no limit states 0.
        if (message is BodyChunkEvent body && connection.Traits.MaxEventBytes is > 0 and var most && body.Data.Length > most)
        {
            return new(CallResult.Failed(CallOutcome.NotSendable, $"the piece of the body has {body.Data.Length} bytes; the agent takes {most}"));
        }

        if (Sticky is { } key)
        {
            Version.Pool.Sticky.Use(key, Lease);
        }

        IsTold |= message.Type == MessageType.RequestHeaders;
        if (!_isHeld)
        {
            _isHeld = true;
            Lease.Join();
        }

        ValueTask<CallResult> pending;
        try
        {
            pending = connection.CallAsync(message, ask.Deadline);
            Times = Times with { Sent = Agent.Time.GetTimestamp() };
        }
        catch
        {
            // A defect: nobody will settle this call.
            Version.Admission.Return(ref Pass);
            Gate.Exit();
            throw;
        }

        if (withdrawals != Withdrawals)
        {
            // It was withdrawn just before the connection knew of the call, so nobody else cancels it.
            connection.Cancel(Exchange, CancelReason.Manual);
        }

        return pending;
    }
}
