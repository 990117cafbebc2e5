using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Control;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Takeover;

namespace Sidecar.Daemon;

/// <summary>Builds the listeners that the options name.</summary>
internal sealed class ListenerFactory(
    DaemonOptions options,
    DaemonModel model,
    HttpApplications http,
    ScriptDoors scripts,
    EnvoyDoors envoys,
    Inspector inspector,
    SidecarMetrics metrics,
    Func<AdminApplication> admin,
    Succession succession,
    ILoggerFactory loggers)
{
    // Go's servers take requests of 1 MiB and 4 KiB more, and the client's URI comes a second time in a header.
    private const int GoHeaderBytes = 3 * 1024 * 1024;

    /// <summary>All listeners, in the order they were given.</summary>
    /// <exception cref="IOException">A file that a listener needs cannot be used.</exception>
    public IReadOnlyList<IDaemonListener> CreateAll() => [.. options.Listeners.Select(Create)];

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

    private IDaemonListener Create(ListenerOptions listener)
    {
        // Said here, because the first file that cannot be made there may be one the operator never named.
        var directory = listener.Address is null && listener.AbstractName is null ? Path.GetDirectoryName(listener.Place) : null;
        return directory is null || Directory.Exists(directory)
            ? CreateLinked(listener)
            : throw new IOException($"cannot listen on {listener.Path}: there is no directory {directory}; create it or choose another path");
    }

    // An address or an abstract name cannot be taken from another process, so nobody is there to link with.
    private IDaemonListener CreateLinked(ListenerOptions listener)
    {
        if (listener.Kind != ListenerKind.Admin)
        {
            succession.Add(listener.Place);
        }

        if (listener.Address is not null || listener.AbstractName is not null)
        {
            return CreateIn(listener, null);
        }

        TakeoverDoor? door = null;
        var bounds = new LinkOptions { Kind = $"{listener.Kind}/{listener.Proxy}", Time = inspector.Time };
        var links = new TakeoverLinks(listener.Name, listener.Path, bounds, () => Supersede(listener, door!), loggers);
        return door = new TakeoverDoor(CreateIn(listener, links), links, options.AllowTakeover);
    }

    private void Supersede(ListenerOptions listener, TakeoverDoor door)
    {
        door.Supersede();
        succession.Remove(listener.Place);
    }

    private IDaemonListener CreateIn(ListenerOptions listener, IExchangeRelay? relay) => listener.Kind switch
    {
        ListenerKind.Native => new NativeDoor(listener, options, inspector, SocketOf(listener), loggers, relay),
        ListenerKind.Reverse => new ReverseDoor(listener, AdmittedBy(listener.Reverse!), SocketOf(listener), metrics, inspector.Time, loggers),
        ListenerKind.Frames => scripts.Frames(listener, SocketOf(listener), relay),
        ListenerKind.Envoy => envoys.Create(listener, SocketOptions(listener)),
        ListenerKind.Http when listener.Proxy == ProxyKind.Json => scripts.Http(listener, Kestrel(listener), relay),
        ListenerKind.Spop => new SpopDoor(listener, options, inspector, metrics, SocketOf(listener), loggers, relay),
        ListenerKind.Http => Door(listener, http.Create(listener)),
        _ => Door(listener, admin()),
    };

    private Dictionary<string, RegisteredConnections> AdmittedBy(ReverseOptions reverse) =>
        options.Agents.Where(reverse.Admits).ToDictionary(static agent => agent.Id, agent => model.Registered[agent.Id], StringComparer.Ordinal);

    private KestrelDoor<IFeatureCollection> Door(ListenerOptions listener, IHttpApplication<IFeatureCollection> application)
    {
        // The port may have been left to the system.
        var logger = listener.Address is null ? null : loggers.CreateLogger<ListenerFactory>();
        return new KestrelDoor<IFeatureCollection>(listener.Name, Kestrel(listener), application, logger);
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

            // Where bodies are read their limit is the application's own, which answers with the limit and the value.
            MaxRequestBodyBytes = listener.Kind == ListenerKind.Admin ? ConfigPushEndpoint.MaxBytes : listener.Proxy == ProxyKind.Json ? long.MaxValue : 0,
        };
        return new KestrelListener(listener.Proxy is ProxyKind.Caddy or ProxyKind.Traefik ? kestrel with { MaxHeaderBytes = GoHeaderBytes } : kestrel, loggers);
    }

    private UnixListenerSocket SocketOf(ListenerOptions listener) => new(SocketOptions(listener), loggers.CreateLogger<UnixListenerSocket>());

    private UnixListenerOptions SocketOptions(ListenerOptions listener) =>
        new() { Mode = listener.Mode, Group = listener.Group, AllowTakeover = options.AllowTakeover };
}
