using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.FrontEnds.ExtAuthz;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Grpc.Server;

namespace Sidecar.Daemon.Composition;

/// <summary>Builds the listeners on which Envoy asks by gRPC.</summary>
internal sealed class EnvoyListeners(Inspector inspector, ILoggerFactory loggers)
{
    /// <summary>One that serves both of Envoy's services, and health.</summary>
    /// <param name="listener">What the operator says of it.</param>
    /// <param name="kestrel">The listener, for HTTP/2.</param>
    /// <param name="logger">Is told where it listens; null where its name says enough.</param>
    /// <exception cref="IOException">The secret's file cannot be used.</exception>
    public IListener Create(ListenerOptions listener, KestrelListener kestrel, ILogger? logger)
    {
        // Calls that are cut off when the grace ends were not given up by Envoy.
        var cutOff = CancellationToken.None;
        var application =
            Application(listener, inspector, () => inspector.Model.MissingAgents(), () => cutOff.IsCancellationRequested, loggers);
        return new ApplicationListener(
            listener.Name, kestrel, SecretGuard.Around(application, listener, inspector, loggers, isGrpc: true), logger)
        {
            Stopping = cancellation => cutOff = cancellation,
        };
    }

    /// <summary>What answers on such a listener.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="inspector">Who inspects.</param>
    /// <param name="missingAgents">The enforced agents that take no exchanges now.</param>
    /// <param name="isStopping">Whether what ends now is cut off by us.</param>
    /// <param name="loggers">Loggers.</param>
    /// <param name="messageMemory">Bounds all large messages together; null for as many bytes as are usual.</param>
    public static GrpcApplication Application(
        ListenerOptions listener,
        Inspector inspector,
        Func<IReadOnlyList<string>> missingAgents,
        Func<bool> isStopping,
        ILoggerFactory loggers,
        ByteBudget? messageMemory = null)
    {
        var filter = new EnvoyFilterOptions(listener);
        var methods = new Dictionary<string, GrpcHandler>(StringComparer.Ordinal)
        {
            [ExtProcService.Path] = new ExtProcService(inspector, filter, isStopping, loggers.CreateLogger<ExtProcService>()).AnswerAsync,
            [AuthzService.Path] = new AuthzService(inspector, filter, isStopping, loggers.CreateLogger<AuthzService>()).AnswerAsync,
            [HealthService.Path] = new HealthService(missingAgents).AnswerAsync,
        };
        var memory = messageMemory ?? new ByteBudget(Math.Max(Defaults.MaxEnvoyMessages, listener.Envoy.MaxMessageBytes), inspector.Time);
        var options = new GrpcServerOptions
        {
            MaxReceiveLength = listener.Envoy.MaxMessageBytes,

            // What agents make of a body is bounded by the memory of bodies.
            MaxSendLength = int.MaxValue,
            ReceiveMemory = new MessageMemory(memory, listener.Budget, inspector.Time),
            Time = inspector.Time,
        };
        return new GrpcApplication(methods, options, loggers.CreateLogger<GrpcApplication>());
    }
}
