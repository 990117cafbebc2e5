using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Connections;

/// <summary>Chooses the dialer for an endpoint.</summary>
internal static class AgentDialers
{
    /// <summary>A dialer; whoever has it disposes of it if it can be disposed of.</summary>
    /// <param name="endpoint">Where the agent listens; one that dials in has no dialer.</param>
    /// <param name="settings">What must be known of the agent.</param>
    /// <param name="tls">TLS for <c>https://</c> endpoints.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">The logs.</param>
    public static IAgentDialer Create(AgentEndpoint endpoint, ConnectionSettings settings, TlsOptions? tls, TimeProvider time, ILoggerFactory loggers) =>
        endpoint switch
        {
            AgentEndpoint.Unix unix => new UnixSocketDialer(unix.Path, settings, time, loggers.CreateLogger<UnixSocketDialer>()),
            AgentEndpoint.Grpc or AgentEndpoint.GrpcUnix => new GrpcDialer(endpoint, settings, tls, time, loggers.CreateLogger<GrpcDialer>()),
            _ => throw new ArgumentException($"an agent at {endpoint} is not dialled", nameof(endpoint)),
        };
}
