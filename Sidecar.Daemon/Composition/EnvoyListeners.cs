using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
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
    /// <exception cref="IOException">The secret's file cannot be used.</exception>
    public IListener Create(ListenerOptions listener, UnixListenerOptions socket)
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
        var logger = listener.Address is null ? null : loggers.CreateLogger<EnvoyListeners>();
        return new EnvoyListener(new ApplicationListener<IFeatureCollection>(
            listener.Name, kestrel, Guarded(listener, Application(listener, () => inspector.Model.MissingAgents(), () => stop.IsUp)), logger), stop);
    }

    /// <summary>What answers on such a listener.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="missingAgents">The enforced agents that take no exchanges now.</param>
    /// <param name="isStopping">Whether what ends now is cut off by us.</param>
    public GrpcApplication Application(ListenerOptions listener, Func<IReadOnlyList<string>> missingAgents, Func<bool> isStopping) =>
        Application(listener, inspector, missingAgents, isStopping, loggers);

    /// <summary>What answers on a listener, with a bound of large messages of the caller's own.</summary>
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

    private IHttpApplication<IFeatureCollection> Guarded(ListenerOptions listener, IHttpApplication<IFeatureCollection> application) =>
        listener.SecretFile is { } file
        ? new SecretGuard(listener.Name, ListenerSecret.Load(file), application, inspector, loggers.CreateLogger<SecretGuard>(), isGrpc: true)
        : application;

    // Calls that are cut off when the grace ends were not given up by Envoy.
    private sealed class EnvoyListener(ApplicationListener<IFeatureCollection> listener, StopSign stop) : IListener
    {
        public string Name => listener.Name;

        public Task StartAsync(CancellationToken cancellation) => listener.StartAsync(cancellation);

        public void Supersede() => listener.Supersede();

        public void Unlink() => listener.Unlink();

        public Task DrainAsync(CancellationToken timeIsUp) => listener.DrainAsync(timeIsUp);

        public Task StopAsync(CancellationToken cancellation)
        {
            stop.CutOff = cancellation;
            return listener.StopAsync(cancellation);
        }
    }

    private sealed class StopSign
    {
        public CancellationToken CutOff { get; set; }

        public bool IsUp => CutOff.IsCancellationRequested;
    }
}
