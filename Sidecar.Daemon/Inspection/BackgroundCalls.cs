using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Inspection;

/// <summary>Calls that no request waits for: copies for agents in monitor mode, and the news that an exchange is complete. Bounded, awaited at the end.</summary>
internal sealed class BackgroundCalls(SidecarMetrics metrics, TimeProvider time, ILogger<BackgroundCalls> logger) : IAsyncDisposable
{
    // Four times the calls that one agent's default pool carries; beyond it copies are dropped and counted rather than kept.
    private const int MaxCalls = 4096;

    // Body bytes held by copies: what 256 copies of a 64 KiB piece need.
    private const long MaxBytes = 16 * 1024 * 1024;

    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LogPace _dropped = new(time);
    private long _bytes;

    // One is ours until we are disposed of, so that the count meets zero only once.
    private int _calls = 1;
    private int _disposed;

    /// <summary>Hands the event to the agents that only watch. Their answers are recorded, never applied.</summary>
    public void CopyToMonitors(Exchange exchange, AgentEvent message, EventKind kind)
    {
        foreach (var participant in exchange.Monitors)
        {
            if (!participant.Session.Wants(kind))
            {
                continue;
            }

            var size = message switch { BodyChunkEvent body => body.Data.Length, WebSocketFrameEvent frame => frame.Data.Length, _ => 0 };
            if (!TryEnter(size))
            {
                metrics.Monitored(participant.Agent, "dropped");
                continue;
            }

            _ = MonitorAsync(participant, Own(message), kind, size);
        }
    }

    /// <summary>Tells every agent that saw the exchange, and wants to know, that it is over.</summary>
    public void Complete(Exchange exchange, RequestCompleteEvent message)
    {
        message.CorrelationId = exchange.Id;
        foreach (var participant in exchange.Stages.SelectMany(static stage => stage).Concat(exchange.Monitors))
        {
            if (participant.Session.HasSeenExchange && participant.Session.Wants(EventKind.RequestComplete))
            {
                if (TryEnter(0))
                {
                    _ = CompleteAsync(participant, message);
                }
                else if (_dropped.MayLog(participant.Agent, out var more))
                {
                    Log.CompleteDropped(logger, participant.Agent, MaxCalls, more);
                }
            }
        }
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
            metrics.Monitored(participant.Agent, Said(message, await AskAsync(participant.Session, message, kind).ConfigureAwait(false)));
        }
        catch (Exception e)
        {
            // Nobody awaits this call, so nobody else would learn of it.
            Log.BackgroundFailed(logger, participant.Agent, e);
        }
        finally
        {
            Leave(size);
        }
    }

    private async Task CompleteAsync(Participant participant, RequestCompleteEvent message)
    {
        try
        {
            await AskAsync(participant.Session, message, EventKind.RequestComplete).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(logger, participant.Agent, e);
        }
        finally
        {
            Leave(0);
        }
    }

    private async ValueTask<CallResult> AskAsync(AgentSession session, AgentEvent message, EventKind kind)
    {
        var result = await session.AskAsync(message, DeadlineOf(session, kind)).ConfigureAwait(false);
        session.Settle(message, result, isRetry: true);
        return result;
    }

    private long DeadlineOf(AgentSession session, EventKind kind) =>
        time.GetTimestamp() + (long)(session.Policy.TimeoutOf(kind).TotalSeconds * time.TimestampFrequency);

    // What enforcing the answer would have done: it is read by the same rules.
    private static string Said(AgentEvent message, in CallResult result)
    {
        var (response, cause) = VerdictMerger.Read(result, out _);
        return response is null ? cause.Label()
            : VerdictMerger.IsProvisional(message, response) ? "needs-more"
            : VerdictMerger.KindOf(response.Decision) switch
            {
                VerdictKind.Redirect => "would-redirect",
                VerdictKind.Challenge => "would-challenge",
                VerdictKind.Block => "would-block",
                _ when message is WebSocketFrameEvent && response.WebSocketDecision is { Kind: not WebSocketDecisionKind.Allow } => "would-block",
                _ when message is GuardrailInspectEvent && response.Guardrail is { Detected: true } => "would-block",
                _ => "would-allow",
            };
    }

    // The original's bytes are only valid until its own answer.
    private static AgentEvent Own(AgentEvent message) => message switch
    {
        BodyChunkEvent body => body with { Data = body.Data.ToArray() },
        WebSocketFrameEvent frame => frame with { Data = frame.Data.ToArray() },
        _ => message,
    };

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
