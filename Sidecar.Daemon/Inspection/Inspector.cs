using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Inspection;

/// <summary>Asks the agents of an exchange's route about its events and merges what they say.</summary>
/// <remarks>
/// Front ends call <see cref="Begin"/> once, <see cref="InspectAsync"/> for each event, and <see cref="End"/> in every way out. Safe from any
/// thread; the events of one direction of an exchange are inspected one after the other by their front end.
/// </remarks>
internal sealed class Inspector(
    RouteTable routes, BackgroundCalls background, IExchangeIds ids, SidecarMetrics metrics, TimeProvider time, ILogger<Inspector>? logger = null)
{
    private readonly ILogger _logger = logger ?? NullLogger<Inspector>.Instance;
    private readonly LogPace _badAnswers = new(time);

    /// <summary>The clock that deadlines belong to.</summary>
    public TimeProvider Time => time;

    /// <summary>A timestamp that lies this far ahead.</summary>
    public long DeadlineIn(TimeSpan budget) => time.GetTimestamp() + (long)(budget.TotalSeconds * time.TimestampFrequency);

    /// <summary>An exchange has reached a listener.</summary>
    /// <param name="listener">The listener's name.</param>
    /// <param name="host">The host asked for; null when the proxy did not say.</param>
    /// <param name="target">The raw request target.</param>
    /// <param name="method">The method.</param>
    public Exchange Begin(string listener, string? host, string target, string method)
    {
        metrics.ExchangeStarted(listener);
        return new Exchange(ids.Next(), listener, routes.Match(host, target, method), time.GetTimestamp());
    }

    /// <summary>An exchange whose route the asker names; null, and nothing begun, when there is no such route.</summary>
    public Exchange? BeginOn(string listener, string? routeId)
    {
        if (routes.Routes.FirstOrDefault(route => route.Id == routeId) is not { } route)
        {
            return null;
        }

        metrics.ExchangeStarted(listener);
        return new Exchange(ids.Next(), listener, route, time.GetTimestamp());
    }

    /// <summary>Asks every agent that wants this event and merges the answers. Never throws: a defect of ours refuses the event.</summary>
    /// <param name="exchange">The exchange; an event that comes after its end is refused.</param>
    /// <param name="message">The event; its correlation id is set here.</param>
    /// <param name="deadline">When the phase's time is up.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Verdict> InspectAsync(Exchange exchange, AgentEvent message, long deadline)
    {
        if (!exchange.TryEnter())
        {
            return Give(exchange, Verdict.Refused(Cause.ExchangeUnknown));
        }

        try
        {
            message.CorrelationId = exchange.Id;
            exchange.LastEvent = time.GetTimestamp();
            var kind = EventKinds.Of(message.Type);
            background.CopyToMonitors(exchange, message, kind);
            VerdictMerger? merger = null;
            var order = 0;
            foreach (var stage in exchange.Stages)
            {
                if (stage.Length > 1 && message is not BodyChunkEvent and not WebSocketFrameEvent)
                {
                    merger ??= new VerdictMerger(exchange, message);
                    await AskTogetherAsync(stage, order, message, kind, deadline, merger).ConfigureAwait(false);
                }
                else
                {
                    for (var i = 0; i < stage.Length && merger is not { Ends: true }; i++)
                    {
                        var participant = stage[i];
                        if (!participant.Session.Wants(kind))
                        {
                            continue;
                        }

                        var asked = merger?.Mutation is { Data: { } data } && message is BodyChunkEvent body ? body with { Data = data } : message;
                        var result = await participant.Session.AskAsync(asked, deadline).ConfigureAwait(false);
                        if (participant.Session.Settle(asked, result, isRetry: false))
                        {
                            result = await AskAgainAsync(participant, asked, deadline).ConfigureAwait(false);
                        }

                        if (result.IsAnswered && ReferenceEquals(result.Response, AgentResponse.Allow))
                        {
                            participant.NoteInspected(message, kind);
                            continue;
                        }

                        Add(merger ??= new VerdictMerger(exchange, message), participant, order + i, result);
                    }
                }

                order += stage.Length;
                if (merger is { Ends: true })
                {
                    break;
                }
            }

            return Give(exchange, merger?.ToVerdict() ?? Verdict.Allow);
        }
        catch (Exception e)
        {
            // It costs this exchange and no other, and it must not let the event pass.
            Log.InspectionFailed(_logger, message.Type, exchange.Id, e);
            exchange.Note(LedgerState.Refused, Cause.Internal);
            return Give(exchange, Verdict.Refused(Cause.Internal));
        }
        finally
        {
            exchange.LastEvent = time.GetTimestamp();
            if (exchange.Leave())
            {
                Account(exchange);
            }
        }
    }

    /// <summary>The exchange is over: agents that want to know are told, and it is accounted. Only the first call counts.</summary>
    /// <remarks>While an event is still being inspected, both wait for it: its outcome belongs to the account, and the end comes last.</remarks>
    public void End(Exchange exchange, RequestCompleteEvent? complete = null)
    {
        if (exchange.TryEnd(complete))
        {
            Account(exchange);
        }
    }

    private void Account(Exchange exchange)
    {
        var account = exchange.Account();
        metrics.ExchangeEnded(exchange.Listener, exchange.Route?.Id ?? "none", account.Label, account.Cause.Label());
        foreach (var participant in exchange.Stages.SelectMany(static stage => stage))
        {
            AccountFor(participant, Direction.Request, "request");
            AccountFor(participant, Direction.Response, "response");
        }

        background.Complete(exchange, exchange.Complete ?? new RequestCompleteEvent
        {
            DurationMs = (ulong)time.GetElapsedTime(exchange.Started).TotalMilliseconds,
            Error = account.Cause == Cause.None ? null : account.Cause.Label(),
        });
    }

    private void AccountFor(Participant participant, Direction direction, string label)
    {
        var entry = participant.Of(direction);
        // An agent that was not asked about the request is named too: nobody should have to guess who stayed silent.
        if (entry.State != LedgerState.NotSubject || direction == Direction.Request)
        {
            metrics.AgentExchangeEnded(participant.Agent, label, entry.Label, entry.Cause.Label());
        }
    }

    private Verdict Give(Exchange exchange, Verdict verdict)
    {
        metrics.VerdictGiven(exchange.Route?.Id ?? "none", verdict.Kind.Label());
        return verdict;
    }

    private void Add(VerdictMerger merger, Participant participant, int order, in CallResult result)
    {
        if (merger.Add(participant, order, result) is { } error && _badAnswers.MayLog(participant.Agent, out var more))
        {
            Log.BadAnswer(_logger, participant.Agent, error, more);
        }
    }

    private async ValueTask AskTogetherAsync(
        Participant[] stage, int order, AgentEvent message, EventKind kind, long deadline, VerdictMerger merger)
    {
        var pending = new List<Task<Answer>>(stage.Length);
        for (var i = 0; i < stage.Length; i++)
        {
            if (stage[i].Session.Wants(kind))
            {
                pending.Add(AskOneAsync(stage[i], order + i, message, deadline));
            }
        }

        var cancelled = false;
        while (pending.Count > 0)
        {
            var done = await Task.WhenAny(pending).ConfigureAwait(false);
            pending.Remove(done);
            var answer = await done.ConfigureAwait(false);
            Add(merger, answer.Participant, answer.Order, answer.Result);
            if (merger.Ends && !cancelled)
            {
                // Cancelled calls end at once, so awaiting them costs no time.
                cancelled = true;
                foreach (var participant in stage)
                {
                    participant.Session.Cancel(CancelReason.BlockedByAgent);
                }
            }
        }
    }

    private async Task<Answer> AskOneAsync(Participant participant, int order, AgentEvent message, long deadline)
    {
        var result = await participant.Session.AskAsync(message, deadline).ConfigureAwait(false);
        if (participant.Session.Settle(message, result, isRetry: false))
        {
            result = await AskAgainAsync(participant, message, deadline).ConfigureAwait(false);
        }

        return new Answer(participant, order, result);
    }

    private async ValueTask<CallResult> AskAgainAsync(Participant participant, AgentEvent message, long deadline)
    {
        metrics.Retried(participant.Agent);
        var result = await participant.Session.AskAsync(message, deadline).ConfigureAwait(false);
        participant.Session.Settle(message, result, isRetry: true);
        if (result.Outcome == CallOutcome.ConnectionLost)
        {
            Log.LostTwice(_logger, participant.Agent, message.CorrelationId);
        }

        return result;
    }

    private readonly record struct Answer(Participant Participant, int Order, CallResult Result);
}
