using System.Net;

namespace Sidecar.Daemon.Configuration;

/// <summary>What a listener speaks.</summary>
internal enum ListenerKind
{
    /// <summary>HTTP for a proxy's auth subrequests, or for scripts.</summary>
    Http,

    /// <summary>Questions of scripts as frames, without HTTP.</summary>
    Frames,

    /// <summary>The agent protocol.</summary>
    Native,

    /// <summary>SPOP, for HAProxy's SPOE filter.</summary>
    Spop,

    /// <summary>Envoy's gRPC services.</summary>
    Envoy,

    /// <summary>Metrics and state, for operators.</summary>
    Admin,

    /// <summary>Registrations of agents that dial in.</summary>
    Reverse,
}

/// <summary>A listener as the operator wrote it.</summary>
internal sealed record ListenerOptions
{
    /// <summary>What it speaks.</summary>
    public required ListenerKind Kind { get; init; }

    /// <summary>The Unix socket; for TCP the text of the address.</summary>
    public required string Path { get; init; }

    /// <summary>The loopback address for a proxy that cannot ask over a Unix socket; null for a Unix socket.</summary>
    public IPEndPoint? Address { get; init; }

    /// <summary>The name in the abstract namespace for a proxy that cannot reach a file; null for a path or an address.</summary>
    public string? AbstractName { get; init; }

    /// <summary>Whether it has no file that another listener could put its own in the place of.</summary>
    public bool HasNoFile => AbstractName is not null || Address is { Port: 0 };

    /// <summary>Where it listens in one spelling: the full path, the address or the abstract name.</summary>
    public string Place => Address?.ToString() ?? (AbstractName is { } name ? $"abns:{name}" : System.IO.Path.GetFullPath(Path));

    /// <summary>Which proxy asks.</summary>
    public ProxyKind Proxy { get; init; }

    /// <summary>Whether it can hand over bodies.</summary>
    public bool HasBodies => Kind == ListenerKind.Envoy ? Envoy.WithRequestBody == RequestBodies.Shown
        : Proxy is not (ProxyKind.Nginx or ProxyKind.Caddy) && (!CarriesBodies || RequestBodies == RequestBodies.Shown);

    /// <summary>Whether its proxy's questions may have the client's body as their own.</summary>
    public bool CarriesBodies => Proxy is ProxyKind.Traefik or ProxyKind.EnvoyHttp;

    /// <summary>What such a proxy does with bodies.</summary>
    public RequestBodies RequestBodies { get; init; }

    /// <summary>How many load balancers in front of the proxy are believed to have told the client's address.</summary>
    public int TrustedHops { get; init; }

    /// <summary>Its name in metrics and logs: the kind and the file name of its socket, or the address.</summary>
    public string Name => $"{Kind.ToString().ToLowerInvariant()}:{Address?.ToString() ?? AbstractName ?? System.IO.Path.GetFileName(Path)}";

    /// <summary>The file with the secret by which a proxy on TCP proves itself; null for a Unix socket, where file rights do.</summary>
    public string? SecretFile { get; init; }

    /// <summary>What the proxy puts before the client's path, for one that passes paths through; empty for nothing.</summary>
    public string PathPrefix { get; init; } = "";

    /// <summary>Time for one phase: the proxy's own timeout less 20 %.</summary>
    public TimeSpan Budget { get; init; } = Defaults.PhaseBudget;

    /// <summary>Who may dial in; null unless it is a reverse listener.</summary>
    public ReverseOptions? Reverse { get; init; }

    /// <summary>Access rights of the socket file.</summary>
    public UnixFileMode Mode { get; init; } = Defaults.SocketMode;

    /// <summary>Group of the socket file, by name or number; null leaves the process's.</summary>
    public string? Group { get; init; }

    /// <summary>Request headers that only agents may set; the client's own never pass.</summary>
    public IReadOnlyList<string> SetHeaders { get; init; } = ["X-User"];

    /// <summary>Request headers that agents may change or remove.</summary>
    public IReadOnlyList<string> EditHeaders { get; init; } = ["X-Client-Secret"];

    /// <summary>Response headers that agents may set.</summary>
    public IReadOnlyList<string> ResponseHeaders { get; init; } = ["X-Frame-Options"];

    /// <summary>Connections at once as the operator wants them; null for what is usual for the kind.</summary>
    public int? MaxConnections { get; init; }

    /// <summary>Connections at once. On a reverse listener only those count that have not registered: the others are their agent's.</summary>
    public int Connections => MaxConnections ?? Kind switch
    {
        ListenerKind.Http => Defaults.HttpConnections,
        ListenerKind.Frames => Defaults.FramesConnections,
        ListenerKind.Native => Defaults.NativeConnections,
        ListenerKind.Spop => Defaults.SpopSessions,
        ListenerKind.Envoy => Defaults.MaxEnvoyConnections,
        ListenerKind.Reverse => Defaults.UnregisteredConnections,
        _ => Defaults.AdminConnections,
    };

    /// <summary>What is particular to spop listeners.</summary>
    public SpopOptions Spop { get; init; } = new();

    /// <summary>What Envoy's filters are told there; of no meaning for other listeners.</summary>
    public EnvoyOptions Envoy { get; init; } = new();

    /// <summary>What happens to an event of an exchange that is not known.</summary>
    public FailureMode UnknownExchange { get; init; } = FailureMode.Closed;
}
