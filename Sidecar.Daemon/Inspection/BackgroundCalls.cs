using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Inspection;

/// <summary>
/// Calls that no request waits for: copies for agents in monitor mode, and the news that an exchange is complete. Bounded, awaited at the
/// end.
/// </summary>
internal sealed class BackgroundCalls(TimeProvider time, ILogger<BackgroundCalls> logger) : IAsyncDisposable
{
    // Four times the calls that one agent's default pool carries; beyond it copies are dropped and counted rather than kept.
    private const int MaxCalls = 4096;

    // Body bytes of copies under way: what 256 copies of a 64 KiB piece need. As much again may be held between the pieces.
    private const long MaxBytes = 16 * 1024 * 1024;

    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan CompletePause = TimeSpan.FromMilliseconds(20);

    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LogThrottle _dropped = new(time);
    private long _bytes;

    // One is ours until we are disposed of, so that the count meets zero only once.
    private int _calls = 1;
    private int _disposed;

    /// <summary>The bytes of bodies that are held for agents that only watch, apart from those that exchanges wait for.</summary>
    public ByteBudget HeldCopies { get; } = new(MaxBytes, time);

    /// <summary>Hands the event to the agents that only watch. Their answers are recorded, never applied.</summary>
    public void CopyToMonitors(Exchange exchange, AgentEvent message, EventKind kind)
    {
        foreach (var participant in exchange.Monitors)
        {
            if (!participant.Session.Wants(kind))
            {
                participant.Skip(kind, SkipReason.NotWanted);
                continue;
            }

            var size = message is WebSocketFrameEvent frame ? frame.Data.Length : 0;
            if (!TryEnter(participant, size))
            {
                participant.NoteWouldBe(kind, "dropped");
                continue;
            }

            participant.Session.Retain();
            _ = MonitorAsync(participant, Own(message), kind, size);
        }
    }

    /// <summary>
    /// Hands a copy of a piece of a body to the agents that only watch. One that cannot be copied leaves a hole: the agent sees no more of
    /// that body.
    /// </summary>
    public void CopyToMonitors(MonitorFlow[] flows, in BodyPiece piece)
    {
        foreach (var flow in flows)
        {
            if (!flow.Wants)
            {
                flow.Participant.SkipUnlessAsked(flow.Kind);
                continue;
            }

            if (!TryEnter(flow.Participant, piece.Bytes.Length))
            {
                flow.Break();
                flow.Participant.NoteWouldBe(flow.Kind, "dropped");
                continue;
            }

            flow.Participant.Session.Retain();
            _ = MonitorAsync(flow, piece with { Bytes = piece.Bytes.ToArray() });
        }
    }

    /// <summary>
    /// Tells every agent that saw the exchange that it is over, whatever it states, unless its operator leaves that out (rule 18). Once,
    /// when it is accounted.
    /// </summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="account">How it is accounted.</param>
    /// <param name="ended">When that was, a timestamp.</param>
    public void Complete(Exchange exchange, LedgerEntry account, long ended)
    {
        RequestCompleteEvent? message = null;
        foreach (var participant in exchange.Participants)
        {
            if (participant.Session is not { HasSeenExchange: true, Policy.WantsEnd: true })
            {
                continue;
            }

            if (TryEnter(0))
            {
                message ??= MessageOf(exchange, account, ended);
                participant.Session.Retain();
                _ = CompleteAsync(participant, message);
            }
            else if (_dropped.MayLog(participant.Agent, out var more))
            {
                Log.CompleteDropped(logger, participant.LogName, MaxCalls, more);
            }
        }
    }

    private RequestCompleteEvent MessageOf(Exchange exchange, LedgerEntry account, long ended)
    {
        var message = exchange.Complete ?? new RequestCompleteEvent
        {
            DurationMs = (ulong)time.GetElapsedTime(exchange.Started, ended).TotalMilliseconds,
            Error = account is { Cause: Cause.None } or { State: LedgerState.Inspected } ? null : account.Cause.Label(),
        };
        message.CorrelationId = exchange.Id;
        return message;
    }

    /// <summary>Waits for what is under way, within a limit.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Leave(0);
        }

        await _idle.Task.WaitAsync(DrainLimit, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task MonitorAsync(Participant participant, AgentEvent message, EventKind kind, int size)
    {
        try
        {
            participant.NoteWouldBe(kind, MonitorLabels.Of(message, await AskAsync(participant, message, kind)));
        }
        catch (Exception e)
        {
            // Nobody awaits this call, so nobody else would learn of it.
            Log.BackgroundFailed(logger, participant.LogName, e);
        }
        finally
        {
            participant.Session.Release();
            participant.Exchange.ReleaseRecord();
            Leave(size);
        }
    }

    private async Task MonitorAsync(MonitorFlow flow, BodyPiece piece)
    {
        try
        {
            flow.Participant.NoteWouldBe(flow.Kind, await flow.PushAsync(piece, DeadlineOf(flow.Participant.Session, flow.Kind)));
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(logger, flow.Participant.LogName, e);
        }
        finally
        {
            flow.Participant.Session.Release();
            flow.Participant.Exchange.ReleaseRecord();
            Leave(piece.Bytes.Length);
        }
    }

    private async Task CompleteAsync(Participant participant, RequestCompleteEvent message)
    {
        try
        {
            // Agents keep something for the exchange until they hear of its end, so a full agent is asked again until it has had time for
            // it.
            var last = time.GetTimestamp() + (long)(DrainLimit.TotalSeconds * time.TimestampFrequency);
            while (await AskAsync(participant, message, EventKind.RequestComplete) is var reply
                && reply.Outcome is CallOutcome.NoRoom or CallOutcome.NoSlot or CallOutcome.QueueFull && time.GetTimestamp() < last)
            {
                await Task.Delay(CompletePause, time);
            }
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(logger, participant.LogName, e);
        }
        finally
        {
            participant.Session.Release();
            Leave(0);
        }
    }

    private ValueTask<AgentReply> AskAsync(Participant participant, AgentEvent message, EventKind kind) =>
        participant.Session.AskAsync(message, DeadlineOf(participant.Session, kind));

    private long DeadlineOf(AgentSession session, EventKind kind) =>
        time.GetTimestamp() + (long)(session.Policy.TimeoutOf(kind).TotalSeconds * time.TimestampFrequency);

    // The original's bytes are only valid until its own answer.
    private static AgentEvent Own(AgentEvent message) =>
        message is WebSocketFrameEvent frame ? frame with { Data = frame.Data.ToArray() } : message;

    // Answers that are only recorded belong into the record, so it stays open for them.
    private bool TryEnter(Participant participant, int size)
    {
        if (!TryEnter(size))
        {
            return false;
        }

        participant.Exchange.HoldRecord();
        return true;
    }

    private bool TryEnter(int size)
    {
        var calls = Interlocked.Increment(ref _calls);
        if (Interlocked.Add(ref _bytes, size) > MaxBytes || calls > MaxCalls)
        {
            Leave(size);
            return false;
        }

        return true;
    }

    private void Leave(int size)
    {
        Interlocked.Add(ref _bytes, -size);
        if (Interlocked.Decrement(ref _calls) == 0)
        {
            _idle.TrySetResult();
        }
    }
}
