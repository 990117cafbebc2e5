using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.FrontEnds.Http;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon;

/// <summary>Builds the listeners that the options name.</summary>
internal sealed class ListenerFactory(
    DaemonOptions options, DaemonModel model, Inspector inspector, SidecarMetrics metrics, PrometheusExporter exporter, ILoggerFactory loggers)
{
    /// <summary>All listeners, in the order they were given.</summary>
    /// <exception cref="IOException">A file that a listener needs cannot be used.</exception>
    public IReadOnlyList<IDaemonListener> CreateAll() => [.. options.Listeners.Select(Create)];

    private IDaemonListener Create(ListenerOptions listener)
    {
        // Said here, because the first file that cannot be made there may be one the operator never named.
        var directory = Path.GetDirectoryName(Path.GetFullPath(listener.Path));
        return Directory.Exists(directory)
            ? CreateIn(listener)
            : throw new IOException($"cannot listen on {listener.Path}: there is no directory {directory}; create it or choose another path");
    }

    private IDaemonListener CreateIn(ListenerOptions listener) => listener.Kind switch
    {
        ListenerKind.Native => new NativeDoor(listener, options, inspector, SocketOf(listener), loggers),
        ListenerKind.Http => new KestrelDoor<Microsoft.AspNetCore.Http.Features.IFeatureCollection>(listener.Name, Kestrel(listener), HttpFrontEndOf(listener)),
        _ => new KestrelDoor<Microsoft.AspNetCore.Http.Features.IFeatureCollection>(listener.Name, Kestrel(listener), new AdminApplication(exporter)),
    };

    private HttpFrontEnd HttpFrontEndOf(ListenerOptions listener)
    {
        var http = new HttpListenerOptions
        {
            Name = listener.Name,
            Budget = listener.Budget,
            MaxHeaders = Defaults.MaxHeaders,
            MaxHeaderBytes = Defaults.MaxHeaderBytes,
            SetHeaders = listener.SetHeaders,
            EditHeaders = listener.EditHeaders,
            ResponseHeaders = listener.ResponseHeaders,
        };
        var key = ReplyKeyFile.LoadOrCreate(options.ReplyKeyFile ?? listener.Path + ".key");
        var tokens = new ReplyTokens(key, inspector.Time);
        return new HttpFrontEnd(
            new CheckEndpoint(http, inspector, tokens, metrics, loggers.CreateLogger<CheckEndpoint>()),
            new ReplyEndpoint(http, tokens, metrics, loggers.CreateLogger<ReplyEndpoint>()),
            model.MissingAgents);
    }

    private KestrelListener Kestrel(ListenerOptions listener) =>
        new(new KestrelListenerOptions { EndPoint = new UnixDomainSocketEndPoint(listener.Path), Socket = SocketOptions(listener) }, loggers);

    private UnixListenerSocket SocketOf(ListenerOptions listener) => new(SocketOptions(listener), loggers.CreateLogger<UnixListenerSocket>());

    private UnixListenerOptions SocketOptions(ListenerOptions listener) =>
        new() { Mode = listener.Mode, Group = listener.Group, AllowTakeover = options.AllowTakeover };
}
