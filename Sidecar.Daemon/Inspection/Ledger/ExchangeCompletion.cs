using Sidecar.Daemon.Agents;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Ledger;

/// <summary>Closes the books of an exchange: its one state, its record with the agents' lines, and the news to the agents that it is over.</summary>
internal sealed class ExchangeCompletion(BackgroundCalls background, TimeProvider time)
{
    /// <summary>Accounts for an exchange that has ended and of which no event is under way. Once for each.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="counts">Where its end is counted for operators.</param>
    public void Close(Exchange exchange, ExchangeCounts counts)
    {
        exchange.Bodies.Dispose();

        // Last of the books: whoever reads that it ended finds its parts accounted and its memory given back.
        var account = exchange.Account();
        var now = time.GetTimestamp();
        counts.Ended(exchange.Listener, exchange.RouteLabel, account.State);
        exchange.CloseRecord(account, now);
        if (IsToldOf(exchange))
        {
            background.Complete(exchange, exchange.Complete ?? new RequestCompleteEvent
            {
                DurationMs = (ulong)time.GetElapsedTime(exchange.Started, now).TotalMilliseconds,
                Error = account is { Cause: Cause.None } or { State: LedgerState.Inspected } ? null : account.Cause.Label(),
            });
        }

        foreach (var stage in exchange.Stages)
        {
            Leave(stage);
        }

        Leave(exchange.Monitors);
    }

    private static bool IsToldOf(Exchange exchange)
    {
        var isTold = Array.Exists(exchange.Monitors, static participant => participant.Session.HasSeenExchange);
        foreach (var stage in exchange.Stages)
        {
            isTold |= Array.Exists(stage, static participant => participant.Session.HasSeenExchange);
        }

        return isTold;
    }

    private static void Leave(Participant[] participants)
    {
        foreach (var participant in participants)
        {
            participant.Session.Release();
            participant.Session.Leave();
        }
    }
}
