using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>How exchanges begin and end.</summary>
internal sealed partial class Inspector
{
    /// <summary>An exchange has reached a listener.</summary>
    /// <param name="listener">The listener's name.</param>
    /// <param name="host">The host asked for; null when the proxy did not say.</param>
    /// <param name="target">The raw request target.</param>
    /// <param name="method">The method.</param>
    public Exchange Begin(string listener, string? host, string target, string method)
    {
        while (true)
        {
            var model = Model;
            if (TryBegin(listener, model, model.Routes.Match(host, target, method, listener), host, target, method) is { } exchange)
            {
                return exchange;
            }
        }
    }

    /// <summary>An exchange whose route the asker names; null, and nothing begun, when there is no such route.</summary>
    /// <param name="listener">The listener's name.</param>
    /// <param name="routeId">The route.</param>
    /// <param name="host">The host asked for, for the record only; null when nobody knows, as for the others.</param>
    /// <param name="target">The raw request target.</param>
    /// <param name="method">The method.</param>
    public Exchange? BeginOn(string listener, string? routeId, string? host = null, string? target = null, string? method = null)
    {
        while (true)
        {
            var model = Model;
            if (model.Routes.Routes.FirstOrDefault(route => route.Id == routeId) is not { } route)
            {
                return null;
            }

            if (TryBegin(listener, model, route, host, target, method) is { } exchange)
            {
                return exchange;
            }
        }
    }

    /// <summary>An exchange of which nobody knows what it asks for: on no route, so that it shows up in no route's account.</summary>
    public Exchange BeginUnknown(string listener) => TryBegin(listener, Model, null, null, null, null)!;

    /// <summary>
    /// Accounts for what reached a listener and makes no request: it was not understood, not let in, or its exchange is not known.
    /// </summary>
    /// <returns>The exchange under whose id that is done; it has ended.</returns>
    public Exchange Account(string listener, LedgerState state, Cause cause)
    {
        var unknown = BeginUnknown(listener);
        unknown.Note(state, cause);
        End(unknown);
        return unknown;
    }

    // Null when the model has been replaced, and with it an agent's version, since it was read.
    private Exchange? TryBegin(string listener, RuntimeModel model, RouteModel? route, string? host, string? target, string? method)
    {
        if (Exchange.TryBegin(ids.Next(), listener, model.Generation, route, time.GetTimestamp()) is not { } exchange)
        {
            return ReferenceEquals(model, Model)
                ? throw new InvalidOperationException(
                    $"a version of an agent of model {model.Generation} has ended, and no newer model has been published before")
                : null;
        }

        exchange.BeginRecord(observers.Rent(), host, target, method);
        Counts.Begun(listener, exchange.RouteLabel);
        return exchange;
    }

    /// <summary>
    /// A new exchange that no agent is asked about, for a reason of our own: the failure mode of each decides, as if it were absent.
    /// </summary>
    /// <returns>Null when no agent would be asked in any case.</returns>
    public static Verdict? PassBy(Exchange exchange, Cause cause)
    {
        if (exchange.Plan.Enforced == 0)
        {
            return null;
        }

        var merger = new VerdictMerger(exchange, EventKind.RequestHeaders, Direction.Request);
        for (var place = 0; place < exchange.Enforced.Length; place++)
        {
            merger.PassBy(exchange.Enforced[place], place, cause);
        }

        return exchange.Give(EventKind.RequestHeaders, merger.ToVerdict());
    }

    /// <summary>What the agents still want to see of an exchange; best asked after its request headers have been inspected.</summary>
    public static WantedEvents Wants(Exchange exchange) => WantedEvents.Of(exchange);

    /// <summary>The exchange is over: agents that want to know are told, and it is accounted. Only the first call counts.</summary>
    /// <remarks>
    /// While an event is still being inspected, both wait for it: its outcome belongs to the account, and the end comes last.
    /// </remarks>
    public void End(Exchange exchange, RequestCompleteEvent? complete = null)
    {
        if (exchange.TryEnd(complete))
        {
            Close(exchange);
        }
    }

    // Once for each that has ended, when no event of it is under way.
    private void Close(Exchange exchange)
    {
        UnfinishedBodies.AtEnd(exchange, Warnings, _logger);
        exchange.CloseBodies();

        // Last of the books: whoever reads that it ended finds its parts accounted and its memory given back.
        var account = exchange.Account();
        var now = time.GetTimestamp();
        Counts.Ended(exchange.Listener, exchange.RouteLabel, account.State);
        exchange.CloseRecord(account, now);
        background.Complete(exchange, account, now);
        foreach (var participant in exchange.Participants)
        {
            participant.Session.Release();
            participant.Session.Leave();
        }
    }

    private void Leave(Exchange exchange)
    {
        exchange.LastEvent = time.GetTimestamp();
        if (exchange.Leave())
        {
            Close(exchange);
        }
    }
}
