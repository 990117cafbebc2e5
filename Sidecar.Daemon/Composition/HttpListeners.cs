using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Daemon.FrontEnds.ExtAuthz;
using Sidecar.Daemon.FrontEnds.ExtProc;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Grpc.Server;

namespace Sidecar.Daemon.Composition;

/// <summary>
/// Builds what answers where proxies and scripts ask over HTTP: by the proxy that asks, for scripts, and for Envoy by gRPC.
/// </summary>
internal sealed class HttpListeners(Inspector inspector, SidecarMetrics metrics, ILoggerFactory loggers)
{
    /// <summary>What answers a proxy.</summary>
    /// <exception cref="IOException">A file that the listener needs, or a header name it is given, cannot be used.</exception>
    public IHttpApplication<IFeatureCollection> ForProxy(ListenerOptions listener) => new NoStore(Proxy(listener));

    private IHttpApplication<IFeatureCollection> Proxy(ListenerOptions listener)
    {
        var http = new HttpListenerOptions
        {
            Name = listener.Name,
            Dialect = ProxyProfile.Of(listener.Proxy),
            PathPrefix = listener.PathPrefix,
            Bodies = listener.RequestBodies,
            TrustedHops = listener.TrustedHops,
            Budget = listener.Budget,
            MaxHeaders = Defaults.MaxHeaders,
            MaxHeaderBytes = Defaults.MaxHeaderBytes,
            SetHeaders = listener.SetHeaders,
            EditHeaders = listener.EditHeaders,
            ResponseHeaders = listener.ResponseHeaders,
        };
        var carried = Carried(http);
        if (listener.Proxy == ProxyKind.Nginx)
        {
            var process = inspector.Model.Configuration;
            var key = process.ReplyKeyFile ?? listener.Path + ".key";
            var tokens = new ReplyTokens(process.ChecksOnly ? ReplyKeyFile.Check(key) : ReplyKeyFile.LoadOrCreate(key), inspector.Time);
            var form = new AuthRequestResponse(carried, tokens, inspector.Time, loggers.CreateLogger<AuthRequestResponse>());
            var reply = new ReplyEndpoint(http, tokens, metrics, inspector.Time, loggers.CreateLogger<ReplyEndpoint>());
            return new HttpFrontEnd(Check(http, carried, form), reply, MissingAgents);
        }

        var check = Check(http, carried, new ForwardAuthResponse(http.Dialect, carried));
        IHttpApplication<IFeatureCollection> application = http.Dialect.AsksByRequestLine
            ? new AnyPathFrontEnd(http.Name, check, loggers.CreateLogger<AnyPathFrontEnd>())
            : new HttpFrontEnd(check, reply: null, MissingAgents);
        return SecretGuard.Around(application, listener, inspector, loggers, isGrpc: false);
    }

    private static HeaderMapping Carried(HttpListenerOptions http)
    {
        try
        {
            return new HeaderMapping(http);
        }
        catch (ArgumentException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private CheckEndpoint Check(HttpListenerOptions http, HeaderMapping carried, IVerdictWriter form) =>
        new(http, inspector, carried, form, loggers.CreateLogger<CheckEndpoint>());

    private IReadOnlyList<string> MissingAgents() => inspector.Model.MissingAgents();

    /// <summary>A listener on which scripts ask.</summary>
    public IListener ForScripts(ListenerOptions listener, KestrelListener kestrel, IExchangeRelay? relay)
    {
        var options = OptionsOf(listener);
        var service = new DecisionService(options, inspector, loggers.CreateLogger<DecisionService>(), relay);
        var mirror = new Mirror(options, service, loggers.CreateLogger<Mirror>());
        var application = new JsonFrontEnd(options, service, mirror, MissingAgents, loggers.CreateLogger<JsonFrontEnd>());
        return new ApplicationListener(listener.Name, kestrel, application)
        {
            OnSuperseded = service.Exchanges.Supersede,
            Draining = service.Exchanges.DrainAsync,
            Stopped = async cancellation =>
            {
                await mirror.DisposeAsync().AsTask().WaitAsync(cancellation);
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

    /// <summary>A listener that serves both of Envoy's gRPC services, and health.</summary>
    /// <param name="listener">What the operator says of it.</param>
    /// <param name="kestrel">The listener, for HTTP/2.</param>
    /// <param name="logger">Is told where it listens; null where its name says enough.</param>
    /// <exception cref="IOException">The secret's file cannot be used.</exception>
    public IListener ForEnvoy(ListenerOptions listener, KestrelListener kestrel, ILogger? logger)
    {
        // Calls that are cut off when the grace ends were not given up by Envoy.
        var cutOff = CancellationToken.None;
        var application = EnvoyServices(listener, inspector, MissingAgents, () => cutOff.IsCancellationRequested, loggers);
        var guarded = SecretGuard.Around(application, listener, inspector, loggers, isGrpc: true);
        return new ApplicationListener(listener.Name, kestrel, guarded, logger) { Stopping = cancellation => cutOff = cancellation };
    }

    /// <summary>What answers Envoy.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="inspector">Who inspects.</param>
    /// <param name="missingAgents">The enforced agents that take no exchanges now.</param>
    /// <param name="isStopping">Whether what ends now is cut off by us.</param>
    /// <param name="loggers">Loggers.</param>
    /// <param name="messageMemory">Bounds all large messages together; null for as many bytes as are usual.</param>
    public static GrpcApplication EnvoyServices(
        ListenerOptions listener, Inspector inspector, Func<IReadOnlyList<string>> missingAgents, Func<bool> isStopping,
        ILoggerFactory loggers, ByteBudget? messageMemory = null)
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
