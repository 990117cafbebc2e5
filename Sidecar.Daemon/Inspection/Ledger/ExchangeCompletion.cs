namespace Sidecar.Daemon.Inspection.Ledger;

/// <summary>Closes the books of an exchange: its one state, its record with the agents' lines, and the news to the agents that it is over.</summary>
internal sealed class ExchangeCompletion(BackgroundCalls background, TimeProvider time)
{
    /// <summary>Accounts for an exchange that has ended and of which no event is under way. Once for each.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="counts">Where its end is counted for operators.</param>
    public void Close(Exchange exchange, ExchangeCounts counts)
    {
        exchange.CloseBodies();

        // Last of the books: whoever reads that it ended finds its parts accounted and its memory given back.
        var account = exchange.Account();
        var now = time.GetTimestamp();
        counts.Ended(exchange.Listener, exchange.RouteLabel, account.State);
        exchange.CloseRecord(account, now);
        background.Complete(exchange, account, now);
        foreach (var participant in exchange.Participants)
        {
            participant.Session.Release();
            participant.Session.Leave();
        }
    }
}
