using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Listeners;

namespace Sidecar.Daemon.Composition;

/// <summary>Builds the listeners on which scripts ask.</summary>
internal sealed class DecideListeners(Inspector inspector, ILoggerFactory loggers)
{
    /// <summary>One that speaks HTTP.</summary>
    public IListener Http(ListenerOptions listener, KestrelListener kestrel, IExchangeRelay? relay)
    {
        var options = OptionsOf(listener);
        var service = new DecisionService(options, inspector, loggers.CreateLogger<DecisionService>(), relay);
        var mirror = new Mirror(options, service, loggers.CreateLogger<Mirror>());
        var application = new JsonFrontEnd(
            options, service, mirror, () => inspector.Model.MissingAgents(), loggers.CreateLogger<JsonFrontEnd>());
        return new ApplicationListener(listener.Name, kestrel, application)
        {
            OnSuperseded = service.Exchanges.Supersede,
            Draining = service.Exchanges.DrainAsync,
            Stopped = async cancellation =>
            {
                await mirror.DisposeAsync().AsTask().WaitAsync(cancellation).ConfigureAwait(false);
                service.Dispose();
            },
        };
    }

    /// <summary>What a listener for scripts is told. A body that no agent takes whole need not be taken whole here.</summary>
    public JsonListenerOptions OptionsOf(ListenerOptions listener) => new()
    {
        Name = listener.Name,
        MaxConnections = listener.Connections,
        Budget = listener.Budget,
        UnknownExchange = listener.UnknownExchange,
        MaxBodyBytes = () => inspector.Model.MaxWholeBody,
    };
}
