using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Listeners;
using Sidecar.Daemon.Takeover;
using Sidecar.Protocol.Grpc.Server;

namespace Sidecar.Daemon.Composition;

/// <summary>Builds listeners.</summary>
internal sealed class ListenerFactory(
    HttpListeners http, SocketListeners sockets, Inspector inspector, Func<AdminApplication> admin, Succession succession,
    ILoggerFactory loggers)
{
    // Go's servers take requests of 1 MiB and 4 KiB more, and the client's URI comes a second time in a header.
    private const int GoHeaderBytes = 3 * 1024 * 1024;

    private readonly LocalFrontEnds _local = new();

    /// <summary>Why a listener cannot be made: a file that it needs; null when it can.</summary>
    public string? Problem(ListenerOptions listener, ConfigurationSnapshot snapshot)
    {
        try
        {
            _ = Create(listener, snapshot);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>Says that the directory of a listener's socket is missing; null when it is there, or none is needed.</summary>
    public static string? MissingDirectory(ListenerOptions listener)
    {
        var directory = listener.Address is null && listener.AbstractName is null ? Path.GetDirectoryName(listener.Place) : null;
        return directory is null || Directory.Exists(directory)
            ? null
            : $"cannot listen on {listener.Path}: there is no directory {directory}; create it or choose another path";
    }

    /// <summary>A listener that does not listen yet.</summary>
    /// <param name="listener">What the operator wrote of it.</param>
    /// <param name="snapshot">What the operator wrote of everything.</param>
    /// <param name="replaces">Whether another listener of this daemon is at its place, to be superseded.</param>
    /// <exception cref="IOException">A file that the listener needs cannot be used.</exception>
    public IListener Create(ListenerOptions listener, ConfigurationSnapshot snapshot, bool replaces = false)
    {
        // Said here, because the first file that cannot be made there may be one the operator never named.
        if (MissingDirectory(listener) is { } problem)
        {
            throw new IOException(problem);
        }

        var created = CreateLinked(listener, snapshot, replaces);
        if (listener.Kind != ListenerKind.Admin)
        {
            succession.Add(listener.Place);
        }

        return created;
    }

    // An abstract name cannot be taken from another process, so nobody is there to link with; nor at a port that the system chooses.
    private IListener CreateLinked(ListenerOptions listener, ConfigurationSnapshot snapshot, bool replaces)
    {
        var takesOver = replaces || snapshot.AllowTakeover;
        if (listener.HasNoFile)
        {
            return CreateIn(listener, snapshot, null, takesOver);
        }

        LinkedListener? linked = null;
        var bounds = new LinkOptions { Kind = $"{listener.Kind}/{listener.Proxy}", Time = inspector.Time };
        var place = new LinkPlace(listener.Path, listener.Address);
        var links = new TakeoverLinks(listener.Name, place, _local, bounds, () => Supersede(listener, linked!), loggers);
        return linked = new LinkedListener(CreateIn(listener, snapshot, links, takesOver), links, takesOver, replaces);
    }

    private void Supersede(ListenerOptions listener, LinkedListener linked)
    {
        if (linked.TrySupersede())
        {
            succession.Remove(listener.Place);
        }
    }

    private IListener CreateIn(ListenerOptions listener, ConfigurationSnapshot snapshot, IExchangeRelay? relay, bool takesOver) =>
        listener.Kind switch
        {
            ListenerKind.Native => sockets.Native(listener, SocketOf(listener, takesOver), relay),
            ListenerKind.Reverse => sockets.Registration(listener, SocketOf(listener, takesOver), snapshot),
            ListenerKind.Frames => sockets.Frames(http.OptionsOf(listener), listener.Path, SocketOf(listener, takesOver), relay),
            ListenerKind.Envoy => http.ForEnvoy(listener, Kestrel(listener, takesOver), AddressLog(listener)),
            ListenerKind.Http when listener.Proxy == ProxyKind.Json => http.ForScripts(listener, Kestrel(listener, takesOver), relay),
            ListenerKind.Spop => sockets.Spop(listener, SocketOf(listener, takesOver), relay),
            ListenerKind.Http => Application(listener, http.ForProxy(listener), takesOver),
            _ => Application(listener, admin(), takesOver),
        };

    private ApplicationListener Application(ListenerOptions listener, IHttpApplication<IFeatureCollection> application, bool takesOver) =>
        new(listener.Name, Kestrel(listener, takesOver), application, AddressLog(listener));

    // The port may have been left to the system.
    private ILogger? AddressLog(ListenerOptions listener) => listener.Address is null ? null : loggers.CreateLogger<ListenerFactory>();

    private KestrelListener Kestrel(ListenerOptions listener, bool takesOver)
    {
        var kestrel = new KestrelListenerOptions
        {
            EndPoint = listener.Address ?? (EndPoint)new UnixDomainSocketEndPoint(listener.Path),
            Socket = SocketOptions(listener, takesOver),
            Name = listener.Name,
            MaxConnections = listener.Connections,
            Time = inspector.Time,

            // What asks about headers. Others' questions have whole bodies in JSON.
            RunsOnPoller = listener.Kind == ListenerKind.Http && listener.Proxy != ProxyKind.Json,

            // Where bodies are read their limit is the application's own. A proxy that hands over what is not read must not find its
            // connection closed.
            MaxRequestBodyBytes = listener.Kind == ListenerKind.Admin
                ? ConfigPushEndpoint.MaxBytes
                : listener.Proxy == ProxyKind.Json || listener.CarriesBodies ? long.MaxValue
                : 0,
        };
        kestrel = listener.Kind == ListenerKind.Envoy
            ? kestrel with
            {
                Protocols = HttpProtocols.Http2,

                // Bodies come and go in frames of 16 KiB; Envoy's connections are few.
                SegmentSize = 32 * 1024,
                Limits = static server => GrpcServerLimits.Apply(server),
            }
            : listener.Proxy is ProxyKind.Caddy or ProxyKind.Traefik ? kestrel with { MaxHeaderBytes = GoHeaderBytes } : kestrel;
        return new KestrelListener(kestrel, loggers);
    }

    private UnixListenerSocket SocketOf(ListenerOptions listener, bool takesOver) =>
        new(SocketOptions(listener, takesOver), loggers.CreateLogger<UnixListenerSocket>());

    private static UnixListenerOptions SocketOptions(ListenerOptions listener, bool takesOver) =>
        new() { Mode = listener.Mode, Group = listener.Group, AllowTakeover = takesOver };
}
