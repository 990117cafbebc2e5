using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>The way out: through the gate and the agent's admission, or its queue, onto a connection.</summary>
internal sealed partial class AgentCall
{
    private ValueTask<CallResult> Send(long entered)
    {
        _times = _times with { Entered = entered };
        if (_session.MissedBefore(_message) is { } hole)
        {
            return new(hole with { Detail = $"the agent missed an earlier event of the exchange: {hole.Detail}" });
        }

        if (_deadline <= entered)
        {
            return new(CallResult.Failed(CallOutcome.TimedOut, TooLate));
        }

        _session.FindLease();
        var ask = new CallAsk(_message, Kind, _session.Lease, _deadline, _session.Part, _session.Policy.Weight);

        // Between the choice and the call another exchange may take the last slot; then the next connection is tried, each at most once.
        for (var attempts = _session.Version.Pool.Live.Count; ; attempts--)
        {
            if (!Admission.TryEnter(ask, ref _permit, out var refusal))
            {
                return refusal.Wait > TimeSpan.Zero ? WaitAndSendAsync(ask, refusal) : new(refusal.Result);
            }

            // Nobody has waited: another look at the clock would show no other time.
            if (!HasLostSlot(ask, SendOn(ask, entered), out var answer, out var result))
            {
                return answer;
            }

            Admission.Return(ref _permit, wakes: false);
            if (attempts <= 1)
            {
                return WaitAndSendAsync(ask, Admission.Lost(result));
            }
        }
    }

    private async ValueTask<CallResult> EnterAndSendAsync(long asked)
    {
        if (!await _session.Gate.EnterAsync(Time.GetElapsedTime(asked, _deadline), Time))
        {
            return CallResult.Failed(CallOutcome.TimedOut, GateClosed);
        }

        _hasGate = true;
        var entered = Time.GetTimestamp();
        if (_withdrawals == _session.Withdrawals)
        {
            return await Send(entered);
        }

        _times = _times with { Entered = entered };
        return CallResult.Failed(CallOutcome.Cancelled, Withdrawn);
    }

    private async ValueTask<CallResult> WaitAndSendAsync(CallAsk ask, Refusal refusal)
    {
        var since = Time.GetTimestamp();
        var admission = Admission;
        if (admission.Queue(ask, refusal, out var refused) is not { } waiter)
        {
            return refused;
        }

        ValueTask<CallResult> answer;
        var (end, latest) = (WaitEnd.Gone, refusal.IsPaced ? admission.LatestStart(since, ask.Deadline, ask.Lease is null) : ask.Deadline);
        try
        {
            _session.Waiter = waiter;
            for (var isLast = false; ;)
            {
                var wasWoken = waiter.Look();
                if (_withdrawals != _session.Withdrawals)
                {
                    return CallResult.Failed(CallOutcome.Cancelled, Withdrawn);
                }

                if (waiter.IsShed)
                {
                    return admission.TooLate(refusal);
                }

                if (isLast || admission.IsTurnOf(waiter))
                {
                    if (!admission.TryEnter(ask, ref _permit, out refusal, hasTurn: true))
                    {
                        if (refusal.Wait <= TimeSpan.Zero)
                        {
                            return refusal.Result;
                        }
                    }
                    else if (!HasLostSlot(ask, SendOn(ask, Time.GetTimestamp()), out answer, out var lost))
                    {
                        end = WaitEnd.Served;
                        break;
                    }
                    else
                    {
                        admission.Return(ref _permit, wakes: false);
                        refusal = admission.Lost(lost);
                    }
                }

                if (isLast)
                {
                    end = refusal.IsPaced ? WaitEnd.Late : WaitEnd.Gone;
                    return admission.TooLate(refusal);
                }

                if (wasWoken)
                {
                    admission.PassOn(waiter);
                }

                isLast = !await admission.WaitAsync(waiter, since, refusal.Wait, latest);
            }
        }
        finally
        {
            _session.Waiter = null;
            admission.LeaveQueue(waiter, end);
        }

        return await answer;
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
        if (ask.Lease is null)
        {
            _session.Vacate();
        }

        return true;
    }

    private ValueTask<CallResult> SendOn(in CallAsk ask, long permitted)
    {
        _times = _times with { Permitted = permitted };
        _session.Lease = _permit.Connection!;
        var connection = _session.Lease.Connection;
        if (!connection.IsOpen)
        {
            return new(CallResult.Failed(CallOutcome.ConnectionLost, "the connection that knew this exchange has ended"));
        }

        // An agent that states no limit states 0.
        if (_message is BodyChunkEvent body && connection.Traits.MaxEventBytes is > 0 and var most && body.Data.Length > most)
        {
            return new(CallResult.Failed(CallOutcome.NotSendable,
                $"the piece of the body has {body.Data.Length} bytes; the agent takes {most}"));
        }

        _session.Occupy(_message.Type);
        var pending = connection.CallAsync(_message, ask.Deadline, _frames);
        _times = _times with { Sent = Time.GetTimestamp() };
        if (_withdrawals != _session.Withdrawals)
        {
            // It was withdrawn just before the connection knew of the call, so nobody else cancels it.
            connection.Cancel(_session.Exchange, CancelReason.Manual);
        }

        return pending;
    }
}
