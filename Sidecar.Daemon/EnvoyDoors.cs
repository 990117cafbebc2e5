using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.FrontEnds.Envoy;
using Sidecar.Daemon.FrontEnds.Http;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Grpc.Server;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Daemon;

/// <summary>Builds the listeners on which Envoy asks by gRPC.</summary>
internal sealed class EnvoyDoors(DaemonModel model, Inspector inspector, SidecarMetrics metrics, ILoggerFactory loggers)
{
    /// <summary>One that serves both of Envoy's services, and health.</summary>
    /// <exception cref="IOException">The secret's file cannot be used.</exception>
    public IDaemonListener Create(ListenerOptions listener, UnixListenerOptions socket)
    {
        var stop = new StopSign();
        var kestrel = new KestrelListener(
            new KestrelListenerOptions
            {
                EndPoint = listener.Address ?? (EndPoint)new UnixDomainSocketEndPoint(listener.Path),
                Socket = socket,
                Protocols = HttpProtocols.Http2,
                Name = listener.Name,
                MaxConnections = listener.Connections,
                Time = inspector.Time,
                Limits = static server => GrpcServerLimits.Apply(server),
            },
            loggers);
        var logger = listener.Address is null ? null : loggers.CreateLogger<EnvoyDoors>();
        return new EnvoyDoor(new KestrelDoor<IFeatureCollection>(listener.Name, kestrel, Guarded(listener, Application(listener, model.MissingAgents, () => stop.IsUp)), logger), stop);
    }

    /// <summary>What answers on such a listener.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="missingAgents">The enforced agents that take no exchanges now.</param>
    /// <param name="isStopping">Whether what ends now is cut off by us.</param>
    public GrpcApplication Application(ListenerOptions listener, Func<IReadOnlyList<string>> missingAgents, Func<bool> isStopping) =>
        Application(listener, inspector, metrics, missingAgents, isStopping, loggers);

    /// <summary>What answers on a listener, with a bound of large messages of the caller's own.</summary>
    public static GrpcApplication Application(
        ListenerOptions listener,
        Inspector inspector,
        SidecarMetrics metrics,
        Func<IReadOnlyList<string>> missingAgents,
        Func<bool> isStopping,
        ILoggerFactory loggers,
        ByteBudget? messageMemory = null)
    {
        var filter = Filter(listener);
        var authz = new AuthzOptions { Listener = filter, HasRequestBody = listener.Envoy.WithRequestBody };
        var methods = new Dictionary<string, GrpcHandler>(StringComparer.Ordinal)
        {
            [ExtProcService.Path] = new ExtProcService(inspector, filter, metrics, isStopping, loggers.CreateLogger<ExtProcService>()).AnswerAsync,
            [AuthzService.Path] = new AuthzService(inspector, authz, metrics, isStopping, loggers.CreateLogger<AuthzService>()).AnswerAsync,
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

    private static ExtProcOptions Filter(ListenerOptions listener) => new()
    {
        Name = listener.Name,
        Budget = listener.Budget,
        MaxMessageTimeout = listener.Envoy.MaxMessageTimeout,
        AllowsModeOverride = listener.Envoy.AllowsModeOverride,
        WholeBodies = (BodySendMode)listener.Envoy.WholeBodies,
        RequestBodyMode = (BodySendMode?)listener.Envoy.RequestBodyMode,
        ResponseBodyMode = (BodySendMode?)listener.Envoy.ResponseBodyMode,
    };

    private IHttpApplication<IFeatureCollection> Guarded(ListenerOptions listener, IHttpApplication<IFeatureCollection> application) => listener.SecretFile is { } file
        ? new SecretGuard(listener.Name, ListenerSecret.Load(file), application, inspector, loggers.CreateLogger<SecretGuard>())
        : application;

    // Calls that are cut off when the grace ends were not given up by Envoy.
    private sealed class EnvoyDoor(KestrelDoor<IFeatureCollection> door, StopSign stop) : IDaemonListener
    {
        public string Name => door.Name;

        public Task StartAsync(CancellationToken cancellation) => door.StartAsync(cancellation);

        public Task StopAsync(CancellationToken cancellation)
        {
            stop.CutOff = cancellation;
            return door.StopAsync(cancellation);
        }
    }

    private sealed class StopSign
    {
        public CancellationToken CutOff { get; set; }

        public bool IsUp => CutOff.IsCancellationRequested;
    }
}
