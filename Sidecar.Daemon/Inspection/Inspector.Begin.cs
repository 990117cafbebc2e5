using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Routing;

namespace Sidecar.Daemon.Inspection;

/// <summary>How exchanges begin.</summary>
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
            if (TryBegin(listener, model, model.Routes.Match(host, target, method), host, target, method) is { } exchange)
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

    /// <summary>Accounts for what reached a listener and makes no request: it was not understood, not let in, or its exchange is not known.</summary>
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
                ? throw new InvalidOperationException($"a version of an agent of model {model.Generation} has ended, and no newer model has been published before")
                : null;
        }

        exchange.BeginRecord(observers.Rent(), host, target, method);
        Counts.Begun(listener, exchange.RouteLabel);
        return exchange;
    }
}
