using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.Composition;

/// <summary>Builds what answers on the http listeners, by the proxy that asks there.</summary>
internal sealed class HttpApplications(Inspector inspector, SidecarMetrics metrics, ILoggerFactory loggers)
{
    /// <summary>The application of a listener.</summary>
    /// <exception cref="IOException">A file that the listener needs, or a header name it is given, cannot be used.</exception>
    public IHttpApplication<IFeatureCollection> Create(ListenerOptions listener) => new NoStore(CreateInner(listener));

    private IHttpApplication<IFeatureCollection> CreateInner(ListenerOptions listener)
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
}
