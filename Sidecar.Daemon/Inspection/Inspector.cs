using System.Runtime.CompilerServices;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Asks the agents of an exchange's route about its events and merges what they say.</summary>
/// <remarks>
/// Front ends call <see cref="Begin"/> once, <see cref="InspectAsync"/> for each event, and <see cref="End"/> in every way out. Safe from any
/// thread; the events of one direction of an exchange are inspected one after the other by their front end.
/// </remarks>
internal sealed class Inspector(RouteTable routes, BackgroundCalls background, IExchangeIds ids, SidecarMetrics metrics, TimeProvider time)
{
    private static readonly string[] Labels = ["allow", "failed-closed", "redirect", "challenge", "block"];

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

    /// <summary>Asks every agent that wants this event and merges the answers.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="message">The event; its correlation id is set here.</param>
    /// <param name="deadline">When the phase's time is up.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Verdict> InspectAsync(Exchange exchange, AgentEvent message, long deadline)
    {
        message.CorrelationId = exchange.Id;
        exchange.LastEvent = time.GetTimestamp();
        exchange.IsBusy = true;
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
                foreach (var participant in stage)
                {
                    if (!participant.Session.Wants(kind))
                    {
                        continue;
                    }

                    var asked = merger?.Mutation is { Data: { } data } && message is BodyChunkEvent body ? body with { Data = data } : message;
                    var result = await participant.Session.AskAsync(asked, deadline).ConfigureAwait(false);
                    if (participant.Session.Settle(asked, result, isRetry: false))
                    {
                        metrics.Retried(participant.Agent);
                        result = await participant.Session.AskAsync(asked, deadline).ConfigureAwait(false);
                        participant.Session.Settle(asked, result, isRetry: true);
                    }

                    if (result.IsAnswered && ReferenceEquals(result.Response, AgentResponse.Allow))
                    {
                        participant.Note(VerdictMerger.DirectionOf(message), LedgerState.Inspected);
                        continue;
                    }

                    (merger ??= new VerdictMerger(exchange, message)).Add(participant, order + Array.IndexOf(stage, participant), result);
                    if (merger.Ends)
                    {
                        break;
                    }
                }
            }

            order += stage.Length;
            if (merger is { Ends: true })
            {
                break;
            }
        }

        exchange.IsBusy = false;
        exchange.LastEvent = time.GetTimestamp();
        var verdict = merger?.ToVerdict() ?? Verdict.Allow;
        metrics.VerdictGiven(exchange.Route?.Id ?? "none", Labels[(int)verdict.Kind]);
        return verdict;
    }

    /// <summary>The exchange is over: agents that want to know are told, and it is accounted. Only the first call counts.</summary>
    public void End(Exchange exchange, RequestCompleteEvent? complete = null)
    {
        if (!exchange.TryEnd())
        {
            return;
        }

        var account = exchange.Account();
        metrics.ExchangeEnded(exchange.Listener, exchange.Route?.Id ?? "none", account.Label, account.Cause.Label());
        foreach (var participant in exchange.Stages.SelectMany(static stage => stage))
        {
            AccountFor(participant, Direction.Request, "request");
            AccountFor(participant, Direction.Response, "response");
        }

        background.Complete(exchange, complete ?? new RequestCompleteEvent
        {
            DurationMs = (ulong)time.GetElapsedTime(exchange.Started).TotalMilliseconds,
            Error = account.Cause == Cause.None ? null : account.Cause.Label(),
        });
    }

    private void AccountFor(Participant participant, Direction direction, string label)
    {
        var entry = participant.Of(direction);
        if (entry.State != LedgerState.NotSubject)
        {
            metrics.AgentExchangeEnded(participant.Agent, label, entry.Label, entry.Cause.Label());
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
            merger.Add(answer.Participant, answer.Order, answer.Result);
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
            metrics.Retried(participant.Agent);
            result = await participant.Session.AskAsync(message, deadline).ConfigureAwait(false);
            participant.Session.Settle(message, result, isRetry: true);
        }

        return new Answer(participant, order, result);
    }

    private readonly record struct Answer(Participant Participant, int Order, CallResult Result);
}
