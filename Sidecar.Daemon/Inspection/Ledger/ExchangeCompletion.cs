using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Ledger;

/// <summary>Closes the books of an exchange: its one state, the agents' lines, the bytes of its bodies, and the news to the agents that it is over.</summary>
internal sealed class ExchangeCompletion(BackgroundCalls background, SidecarMetrics metrics, TimeProvider time)
{
    /// <summary>Accounts for an exchange that has ended and of which no event is under way. Once for each.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="counts">Where its end is counted for operators.</param>
    public void Close(Exchange exchange, ExchangeCounts counts)
    {
        foreach (var participant in exchange.Stages.SelectMany(static stage => stage))
        {
            AccountFor(participant, Direction.Request, "request");
            AccountFor(participant, Direction.Response, "response");
        }

        AccountFor(exchange.Bodies.Request, "request");
        AccountFor(exchange.Bodies.Response, "response");
        exchange.Bodies.Dispose();

        // Last of the books: whoever reads that it ended finds its parts accounted and its memory given back.
        var account = exchange.Account();
        counts.Ended(exchange.Listener, exchange.RouteLabel, account.State);
        metrics.ExchangeEnded(exchange.Listener, exchange.RouteLabel, account.Label, account.Cause.Label());
        background.Complete(exchange, exchange.Complete ?? new RequestCompleteEvent
        {
            DurationMs = (ulong)time.GetElapsedTime(exchange.Started).TotalMilliseconds,
            Error = account is { Cause: Cause.None } or { State: LedgerState.Inspected } ? null : account.Cause.Label(),
        });
        foreach (var participant in exchange.Stages.SelectMany(static stage => stage).Concat(exchange.Monitors))
        {
            participant.Session.Release();
            participant.Session.Leave();
        }
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

    private void AccountFor(BodyFlow? flow, string label)
    {
        foreach (var stage in flow?.Stages ?? [])
        {
            metrics.BodyBytes(stage.Agent, label, stage.Seen, stage.Missed);
        }
    }
}
