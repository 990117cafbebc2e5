using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Json;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon;

/// <summary>Builds the listeners on which scripts ask.</summary>
internal sealed class ScriptDoors(DaemonOptions options, DaemonModel model, Inspector inspector, ILoggerFactory loggers)
{
    /// <summary>One that speaks HTTP.</summary>
    public IDaemonListener Http(ListenerOptions listener, KestrelListener kestrel, IExchangeRelay? relay) =>
        new JsonDoor(OptionsOf(listener), kestrel, inspector, model.MissingAgents, loggers, relay);

    /// <summary>One that speaks frames.</summary>
    public IDaemonListener Frames(ListenerOptions listener, UnixListenerSocket socket, IExchangeRelay? relay) =>
        new FramesDoor(OptionsOf(listener), listener.Path, inspector, socket, loggers, relay);

    // A body that no agent takes whole need not be taken whole here.
    private JsonListenerOptions OptionsOf(ListenerOptions listener) => new()
    {
        Name = listener.Name,
        MaxConnections = listener.Connections,
        Budget = listener.Budget,
        UnknownExchange = listener.UnknownExchange,
        MaxExchanges = options.MaxExchanges,
        Expiry = options.ExchangeExpiry,
        MaxBodyBytes = (int)Math.Clamp(
            options.Agents.Select(static agent => Math.Max(agent.Body.MaxRequestBytes, agent.Body.MaxResponseBytes)).DefaultIfEmpty(0).Max(),
            Defaults.MaxBodyBytes,
            Defaults.MaxQuestionBody),
    };
}
