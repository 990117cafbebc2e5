using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Connections;

/// <summary>Chooses the dialer for an endpoint.</summary>
internal static class AgentDialers
{
    /// <summary>A dialer; whoever has it disposes of it if it can be disposed of.</summary>
    /// <param name="endpoint">An endpoint as <see cref="AgentEndpoints.Read"/> gives it.</param>
    /// <param name="settings">What must be known of the agent.</param>
    /// <param name="tls">TLS for <c>https://</c> endpoints.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">The logs.</param>
    public static IAgentDialer Create(string endpoint, ConnectionSettings settings, TlsOptions? tls, TimeProvider time, ILoggerFactory loggers) =>
        AgentEndpoints.IsRemote(endpoint) || AgentEndpoints.GrpcPath(endpoint) is not null
            ? new GrpcDialer(endpoint, settings, tls, time, loggers.CreateLogger<GrpcDialer>())
            : new UnixSocketDialer(endpoint, settings, time, loggers.CreateLogger<UnixSocketDialer>());
}
