using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Listeners;
using Sidecar.Daemon.Takeover;

namespace Sidecar.Daemon.Composition;

/// <summary>Builds the listeners that the options name.</summary>
internal sealed class ListenerFactory(
    ConfigurationSnapshot options,
    HttpApplications http,
    DecideListeners scripts,
    EnvoyListeners envoys,
    SocketListeners sockets,
    Inspector inspector,
    Func<AdminApplication> admin,
    Succession succession,
    ILoggerFactory loggers)
{
    // Go's servers take requests of 1 MiB and 4 KiB more, and the client's URI comes a second time in a header.
    private const int GoHeaderBytes = 3 * 1024 * 1024;

    /// <summary>All listeners, in the order they were given.</summary>
    /// <exception cref="IOException">A file that a listener needs cannot be used.</exception>
    public IReadOnlyList<IListener> CreateAll() => [.. options.Listeners.Select(Create)];

    /// <summary>Why listeners cannot be made: the files that they need.</summary>
    public IReadOnlyList<string> Problems() => [.. options.Listeners.Select(Problem).OfType<string>()];

    private string? Problem(ListenerOptions listener)
    {
        try
        {
            _ = Create(listener);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private IListener Create(ListenerOptions listener)
    {
        // Said here, because the first file that cannot be made there may be one the operator never named.
        var directory = listener.Address is null && listener.AbstractName is null ? Path.GetDirectoryName(listener.Place) : null;
        return directory is null || Directory.Exists(directory)
            ? CreateLinked(listener)
            : throw new IOException($"cannot listen on {listener.Path}: there is no directory {directory}; create it or choose another path");
    }

    // An abstract name cannot be taken from another process, so nobody is there to link with; nor at a port that the system chooses.
    private IListener CreateLinked(ListenerOptions listener)
    {
        if (listener.Kind != ListenerKind.Admin)
        {
            succession.Add(listener.Place);
        }

        if (listener.Address is { Port: 0 } || listener.AbstractName is not null)
        {
            return CreateIn(listener, null);
        }

        LinkedListener? linked = null;
        var bounds = new LinkOptions { Kind = $"{listener.Kind}/{listener.Proxy}", Time = inspector.Time };
        var links = new TakeoverLinks(listener.Name, new LinkPlace(listener.Path, listener.Address), bounds, () => Supersede(listener, linked!), loggers);
        return linked = new LinkedListener(CreateIn(listener, links), links, options.AllowTakeover);
    }

    private void Supersede(ListenerOptions listener, LinkedListener linked)
    {
        linked.Supersede();
        succession.Remove(listener.Place);
    }

    private IListener CreateIn(ListenerOptions listener, IExchangeRelay? relay) => listener.Kind switch
    {
        ListenerKind.Native => sockets.Native(listener, SocketOf(listener), relay),
        ListenerKind.Reverse => sockets.Registration(listener, SocketOf(listener)),
        ListenerKind.Frames => sockets.Frames(scripts.OptionsOf(listener), listener.Path, SocketOf(listener), relay),
        ListenerKind.Envoy => envoys.Create(listener, SocketOptions(listener)),
        ListenerKind.Http when listener.Proxy == ProxyKind.Json => scripts.Http(listener, Kestrel(listener), relay),
        ListenerKind.Spop => sockets.Spop(listener, SocketOf(listener), relay),
        ListenerKind.Http => Application(listener, http.Create(listener)),
        _ => Application(listener, admin()),
    };

    private ApplicationListener<IFeatureCollection> Application(ListenerOptions listener, IHttpApplication<IFeatureCollection> application)
    {
        // The port may have been left to the system.
        var logger = listener.Address is null ? null : loggers.CreateLogger<ListenerFactory>();
        return new ApplicationListener<IFeatureCollection>(listener.Name, Kestrel(listener), application, logger);
    }

    private KestrelListener Kestrel(ListenerOptions listener)
    {
        var kestrel = new KestrelListenerOptions
        {
            EndPoint = listener.Address ?? (EndPoint)new UnixDomainSocketEndPoint(listener.Path),
            Socket = SocketOptions(listener),
            Name = listener.Name,
            MaxConnections = listener.Connections,
            Time = inspector.Time,

            // Where bodies are read their limit is the application's own. A proxy that hands over what is not read must not find its connection closed.
            MaxRequestBodyBytes = listener.Kind == ListenerKind.Admin
                ? ConfigPushEndpoint.MaxBytes
                : listener.Proxy == ProxyKind.Json || listener.CarriesBodies ? long.MaxValue
                : 0,
        };
        return new KestrelListener(listener.Proxy is ProxyKind.Caddy or ProxyKind.Traefik ? kestrel with { MaxHeaderBytes = GoHeaderBytes } : kestrel, loggers);
    }

    private UnixListenerSocket SocketOf(ListenerOptions listener) => new(SocketOptions(listener), loggers.CreateLogger<UnixListenerSocket>());

    private UnixListenerOptions SocketOptions(ListenerOptions listener) =>
        new() { Mode = listener.Mode, Group = listener.Group, AllowTakeover = options.AllowTakeover };
}
