using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Pooling;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>
/// One event on its way to an agent and back: the gate of the session, the agent's admission, the connection, and once more if rule 11 says
/// so.
/// </summary>
/// <remarks>
/// A reused object that its asker awaits; the connection's answer comes to it directly. With an open gate and free capacity nothing is
/// awaited before the connection, and nothing is allocated. Each life has one asker, and goes back to the pool when that has taken the
/// reply.
/// </remarks>
internal sealed partial class AgentCall : IValueTaskSource<AgentReply>
{
    // Recognised by reference: the one result whose call never went through the gate.
    private static readonly string GateClosed = new("an earlier event of the exchange was not answered before the deadline");

    // Likewise for calls that ended before anything was sent.
    private static readonly string TooLate = new("the time was up before the event could be sent");
    private static readonly string Withdrawn = new("the event was no longer wanted when its turn came");

    private static readonly BoundedPool<AgentCall> Pool = new(4096);

    private readonly Action _onAnswered;

    // Mutable struct: must not be readonly. The asker goes on where the answer came.
    private ManualResetValueTaskSourceCore<AgentReply> _source;
    private ConfiguredValueTaskAwaitable<CallResult>.ConfiguredValueTaskAwaiter _answer;
    private AgentSession _session = null!;
    private AgentEvent _message = null!;
    private EventFrames? _frames;
    private CallPermit _permit;
    private CallTimes _times;
    private long _phaseDeadline;
    private long _deadline;
    private int _withdrawals;
    private bool _hasGate;
    private bool _isRetry;

    private AgentCall() => _onAnswered = OnAnswered;

    private EventKind Kind => EventKinds.Of(_message.Type);

    private TimeProvider Time => _session.Agent.Time;

    private Admission Admission => _session.Version.Admission;

    /// <summary>Asks. <inheritdoc cref="AgentSession.AskAsync" path="/summary"/></summary>
    public static ValueTask<AgentReply> Begin(AgentSession session, AgentEvent message, long phaseDeadline, EventFrames? frames)
    {
        var call = Pool.TryRent() ?? new AgentCall();
        (call._session, call._message, call._phaseDeadline, call._frames) = (session, message, phaseDeadline, frames);
        return call.Begin();
    }

    AgentReply IValueTaskSource<AgentReply>.GetResult(short token)
    {
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            GiveBack();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<AgentReply>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<AgentReply>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private ValueTask<AgentReply> Begin()
    {
        var asked = Time.GetTimestamp();
        (_withdrawals, _times) = (_session.Withdrawals, new CallTimes { Asked = asked });
        SetDeadline(asked);
        _hasGate = _session.Gate.TryEnter();
        try
        {
            for (var answer = _hasGate ? Send(asked) : EnterAndSendAsync(asked); ; answer = SendAgain())
            {
                if (!answer.IsCompleted)
                {
                    var reply = new ValueTask<AgentReply>(this, _source.Version);
                    Await(answer);
                    return reply;
                }

                if (TryEnd(answer.GetAwaiter().GetResult(), out var ended))
                {
                    GiveBack();
                    return new(ended);
                }
            }
        }
        catch
        {
            Fail();
            throw;
        }
    }

    private void Await(in ValueTask<CallResult> answer)
    {
        _answer = answer.ConfigureAwait(false).GetAwaiter();
        _answer.UnsafeOnCompleted(_onAnswered);
    }

    private void OnAnswered()
    {
        AgentReply reply;
        try
        {
            var result = _answer.GetResult();
            while (!TryEnd(result, out reply))
            {
                var again = SendAgain();
                if (!again.IsCompleted)
                {
                    Await(again);
                    return;
                }

                result = again.GetAwaiter().GetResult();
            }
        }
        catch (Exception e)
        {
            Fail();
            _source.SetException(e);
            return;
        }

        _source.SetResult(reply);
    }

    // Ends one call: gives back what it held, and opens the gate. False when the same event must be asked once more; the gate waits for
    // that.
    private bool TryEnd(CallResult result, out AgentReply reply)
    {
        if (result.IsAnswered && !ReferenceEquals(result.Response, AgentResponse.Allow) && _session.Observer is { } reader)
        {
            result = reader.Check(result.Response!);
        }

        var (kind, settled) = (Kind, Time.GetTimestamp());
        var took = Time.GetElapsedTime(_hasGate ? _times.Entered : _times.Asked, settled);

        // One that never had the gate has no stages but the end.
        _times = _hasGate ? _times with { Settled = settled, Took = took } : new CallTimes { Settled = settled, Took = took };

        // Nobody waits for one that is no longer wanted, and nobody for what agents that only watch say.
        var isWanted = _withdrawals == _session.Withdrawals && _session.Policy.Mode == AgentMode.Enforce;
        var mayMove = _hasGate && !_isRetry && isWanted && kind == EventKind.RequestHeaders
            && result.Outcome is CallOutcome.ConnectionLost or CallOutcome.NoConnection;

        // What passed before the agent had it says nothing about the agent.
        var began = _times.Permitted != 0 ? _times.Permitted : settled;
        Admission.Leave(
            ref _permit, result, kind, Time.GetElapsedTime(began, settled), Time.GetElapsedTime(began, _deadline),
            _session.Policy.TimeoutOf(kind), keepsSlot: mayMove);
        var mustAskAgain = mayMove && _session.TryMove();
        if (!mustAskAgain)
        {
            Admission.Return(ref _permit);
            _session.Note(_message, result, reachedAgent: !result.IsUnsent && !IsUnsent(result.Detail));
        }

        _session.Observer?.OnEnded(_message, result, _isRetry, _times);
        reply = new AgentReply(result, _isRetry);
        if (mustAskAgain)
        {
            return false;
        }

        if (_hasGate)
        {
            _session.Gate.Exit();
        }

        return true;
    }

    // A defect of ours, which is the asker's to tell: what the call held must not be lost with it.
    private void Fail()
    {
        Admission.Return(ref _permit);
        if (_hasGate)
        {
            _hasGate = false;
            _session.Gate.Exit();
        }
    }

    private static bool IsUnsent(string? detail) =>
        ReferenceEquals(detail, GateClosed) || ReferenceEquals(detail, TooLate) || ReferenceEquals(detail, Withdrawn);

    // The gate is still ours: nothing of the exchange may reach the new connection before its headers.
    private ValueTask<CallResult> SendAgain()
    {
        var now = Time.GetTimestamp();
        (_isRetry, _times) = (true, new CallTimes { Asked = now });
        SetDeadline(now);
        return Send(now);
    }

    private void SetDeadline(long now)
    {
        // An agent that says it is degraded may take longer, never past the end of the phase (spec §6.2).
        var stretch = _session.Lease?.TimeoutMultiplier ?? _session.Version.Pool.TimeoutMultiplier;
        var ceiling = (long)(_session.Policy.TimeoutOf(Kind).TotalSeconds * stretch * Time.TimestampFrequency);
        _deadline = Math.Min(_phaseDeadline, now + ceiling);
    }

    private void GiveBack()
    {
        _source.Reset();
        (_session, _message, _frames, _answer, _permit, _isRetry) = (null!, null!, null, default, default, false);
        Pool.Return(this);
    }
}
