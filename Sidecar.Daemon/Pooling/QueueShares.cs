using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Pooling;

/// <summary>Whose a call is where calls wait for one agent.</summary>
/// <param name="Route">The route, by what stands for it; null for nobody's.</param>
/// <param name="Weight">The route's part beside others, above 0.</param>
/// <param name="Client">The client's address as the proxy tells it; null for none.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CallShare(object? Route, int Weight, string? Client);

/// <summary>Shares an agent among the routes whose calls wait, by weight, and a route's part evenly among its clients. Not thread-safe.</summary>
/// <remarks>
/// Start-time fair queueing: each share has a virtual time that advances by one over its weight with each call of it that is served; the share that is
/// furthest behind goes first, and one that was idle begins where the others are.
/// </remarks>
internal sealed class QueueShares
{
    /// <summary>Most clients remembered; those that wait for nothing are forgotten when there are more.</summary>
    public const int MostClients = 4096;

    // Those of replaced models are not kept for long.
    private const int MostRoutes = 64;

    private readonly Dictionary<object, Route> _routes = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<(Route, string), Client> _clients = [];
    private double _now;

    /// <summary>Clients remembered.</summary>
    public int Clients => _clients.Count;

    /// <summary>The share of a call that is about to wait.</summary>
    public Client Of(in CallShare whose)
    {
        var key = whose.Route ?? this;
        if (!_routes.TryGetValue(key, out var route))
        {
            Forget(_routes, MostRoutes, static route => route.Waiting == 0);
            _routes[key] = route = new Route();
        }

        route.Weight = Math.Max(1, whose.Weight);
        if (!_clients.TryGetValue((route, whose.Client ?? ""), out var client))
        {
            Forget(_clients, MostClients, static client => client.Waiting == 0);
            _clients[(route, whose.Client ?? "")] = client = new Client(route);
        }

        route.CatchUp(_now);
        return client;
    }

    /// <summary>About how many calls are served before the next of a share.</summary>
    /// <param name="share">The share.</param>
    /// <param name="waiting">All calls that wait for their turn.</param>
    public int Ahead(Client share, int waiting)
    {
        var own = share.Route;
        double others = 0;
        foreach (var route in _routes.Values)
        {
            others += route != own && route.Waiting > 0 ? route.Weight : 0;
        }

        var clients = own.Clients + (share.Waiting == 0 ? 1 : 0);
        var inRoute = (share.Lead * clients) + Math.Min(own.Waiting - share.Waiting, clients - 1);
        return (int)Math.Min(waiting, Math.Ceiling((inRoute + 1) * (1 + (others / own.Weight))) - 1);
    }

    /// <summary>A call of a share was served.</summary>
    public void Charge(Client share)
    {
        _now = Math.Max(_now, share.Route.Virtual);
        share.Charge();
    }

    private static void Forget<TKey, TShare>(Dictionary<TKey, TShare> shares, int most, Func<TShare, bool> isIdle)
        where TKey : notnull
    {
        if (shares.Count >= most)
        {
            foreach (var (key, share) in shares)
            {
                if (isIdle(share))
                {
                    shares.Remove(key);
                }
            }
        }
    }

    /// <summary>A route's part.</summary>
    /// <remarks>
    /// Its clients' virtual time goes on by a call of each of those that wait, so that one that was served is not overtaken by new ones for ever.
    /// </remarks>
    internal sealed class Route
    {
        /// <summary>Its clients' virtual time.</summary>
        public double Now { get; private set; }

        /// <summary>Its weight.</summary>
        public int Weight { get; set; } = 1;

        /// <summary>Its virtual time.</summary>
        public double Virtual { get; private set; }

        /// <summary>Its calls that wait.</summary>
        public int Waiting { get; private set; }

        /// <summary>Its clients that wait.</summary>
        public int Clients { get; private set; }

        /// <summary>Where it was idle, it begins where the others are.</summary>
        public void CatchUp(double now) => Virtual = Waiting == 0 ? Math.Max(Virtual, now) : Virtual;

        /// <summary>A call of a client begins to wait.</summary>
        public void Join(bool isFirst)
        {
            Waiting++;
            Clients += isFirst ? 1 : 0;
        }

        /// <summary>A call waits no longer.</summary>
        public void Leave(bool isLast)
        {
            Waiting--;
            Clients -= isLast ? 1 : 0;
        }

        /// <summary>A call of a client was served, and waits no longer.</summary>
        public void Charge(bool wasLast)
        {
            Virtual += 1.0 / Weight;
            Now += 1.0 / (Clients + (wasLast ? 1 : 0));
        }
    }

    /// <summary>A client's part of a route.</summary>
    internal sealed class Client(Route route)
    {
        /// <summary>Its route.</summary>
        public Route Route => route;

        /// <summary>Its virtual time in the route.</summary>
        public double Virtual { get; private set; }

        /// <summary>Its calls that wait.</summary>
        public int Waiting { get; private set; }

        /// <summary>By how many calls its next one stands behind the route's virtual time.</summary>
        public double Lead => Math.Max(0, Virtual - route.Now) + Waiting;

        /// <summary>A call of it begins to wait.</summary>
        public void Join()
        {
            route.Join(isFirst: Waiting == 0);
            Virtual = Waiting++ == 0 ? Math.Max(Virtual, route.Now) : Virtual;
        }

        /// <summary>A call of it waits no longer.</summary>
        public void Leave() => route.Leave(isLast: --Waiting == 0);

        /// <summary>A call of it was served.</summary>
        public void Charge()
        {
            route.Charge(wasLast: Waiting == 0);
            Virtual++;
        }
    }
}
