using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Encodings;

namespace Sidecar.Daemon.Connections;

/// <summary>Where a pool's connections come from: dialled at one endpoint of an agent, or brought by an agent that dials in.</summary>
internal interface IAgentDialer
{
    /// <summary>The endpoint as the operator wrote it.</summary>
    string Endpoint { get; }

    /// <summary>
    /// Whether it only waits for an agent to dial in. Waiting costs the agent nothing, so there is no need to pause after a failure.
    /// </summary>
    bool IsPassive => false;

    /// <summary>Tells, until it is disposed of, when there may be somebody to dial again; null where nothing tells.</summary>
    IDisposable? Watch(Action appeared) => null;

    /// <summary>
    /// Dials the same place to try another configuration on a connection that carries nothing else; null where every agent answers one, so
    /// that a refusal costs nobody anything.
    /// </summary>
    IAgentDialer? ForTrialOf(ConfigurationValue configuration) => null;

    /// <summary>Connects and shakes hands within the connect timeout. The connection returned is ready for calls.</summary>
    /// <exception cref="AgentUnreachableException">It did not work; the message says why.</exception>
    Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation);
}

/// <summary>A connection to an agent could not be opened.</summary>
internal sealed class AgentUnreachableException(string message, Exception innerException) : Exception(message, innerException)
{
    /// <summary>What kept it from being opened.</summary>
    public DialProblem Problem { get; } = DialProblemException.In(innerException);
}

/// <summary>Chooses the dialer for an endpoint.</summary>
internal static class AgentDialers
{
    /// <summary>A dialer; whoever has it disposes of it if it can be disposed of.</summary>
    /// <param name="endpoint">Where the agent listens; one that dials in has no dialer.</param>
    /// <param name="settings">What must be known of the agent.</param>
    /// <param name="tls">TLS for <c>https://</c> endpoints.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">The logs.</param>
    public static IAgentDialer Create(
        AgentEndpoint endpoint, ConnectionSettings settings, TlsOptions? tls, TimeProvider time, ILoggerFactory loggers) =>
        endpoint switch
        {
            AgentEndpoint.Unix unix => new UnixSocketDialer(unix.Path, settings, time, loggers.CreateLogger<UnixSocketDialer>()),
            AgentEndpoint.Grpc or AgentEndpoint.GrpcUnix => new GrpcDialer(
                endpoint, settings, tls, time, loggers.CreateLogger<GrpcDialer>()),
            _ => throw new ArgumentException($"an agent at {endpoint} is not dialled", nameof(endpoint)),
        };
}

/// <summary>What kept a connection to an agent from being opened, as far as it makes a difference to those who dial.</summary>
internal enum DialProblem
{
    /// <summary>It may work at the next attempt.</summary>
    Unreachable = 0,

    /// <summary>The agent closed the connection without a word: agents of some dialects do that, and those that crash.</summary>
    ClosedSilently,

    /// <summary>The agent answered, in a dialect that is not spoken.</summary>
    OtherDialect,

    /// <summary>The agent refused its configuration.</summary>
    ConfigurationRefused,
}

/// <summary>Carries such a problem from where it is seen to those who dial, inside whatever exceptions lie between.</summary>
internal sealed class DialProblemException(DialProblem problem) : Exception($"{problem}")
{
    /// <summary>The problem.</summary>
    public DialProblem Problem => problem;

    /// <summary>An error of the protocol that is this problem.</summary>
    public static ProtocolException Error(DialProblem problem, string message) => new(message, new DialProblemException(problem));

    /// <summary>The problem that an exception is, or was caused by.</summary>
    public static DialProblem In(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is DialProblemException named)
            {
                return named.Problem;
            }
        }

        return DialProblem.Unreachable;
    }
}
