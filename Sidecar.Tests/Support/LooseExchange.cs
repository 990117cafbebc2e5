using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Routing;

namespace Sidecar.Tests.Support;

/// <summary>Exchanges without an inspector, for what only needs to name one.</summary>
internal static class LooseExchange
{
    private static readonly ExchangeObservers Nobody = new([], TimeProvider.System, NullLogger<ExchangeObservers>.Instance);

    /// <summary>A new one that never ends.</summary>
    public static Exchange New(string listener = "http", RouteModel? route = null)
    {
        var exchange = Exchange.TryBegin(TestEvents.Id(1), listener, generation: 1, route, started: 0)!;
        exchange.BeginRecord(Nobody.Rent(), host: null, target: null, method: null);
        return exchange;
    }
}
