using System.Net;
using Sidecar.Daemon.Configuration.Settings;
using Keys = Sidecar.Daemon.Configuration.Settings.ListenerSettings;

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
internal sealed record ListenerOptions : SettingOptions
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
    public ProxyKind Proxy { get => Values.Find(Keys.Proxy) ?? ProxyKind.None; init => Values = Values.With(Keys.Proxy, value); }

    /// <summary>Whether it can hand over bodies.</summary>
    public bool HasBodies => Kind == ListenerKind.Envoy ? Envoy.WithRequestBody == RequestBodies.Shown
        : Proxy is not (ProxyKind.Nginx or ProxyKind.Caddy) && (!CarriesBodies || RequestBodies == RequestBodies.Shown);

    /// <summary>Whether its proxy's questions may have the client's body as their own.</summary>
    public bool CarriesBodies => Proxy is ProxyKind.Traefik or ProxyKind.EnvoyHttp;

    /// <summary>What such a proxy does with bodies.</summary>
    public RequestBodies RequestBodies { get => Get(Keys.RequestBodies); init => Values = Values.With(Keys.RequestBodies, value); }

    /// <summary>How many load balancers in front of the proxy are believed to have told the client's address.</summary>
    public int TrustedHops => Get(Keys.TrustedHops);

    /// <summary>The name that a file gives it; null where it has none.</summary>
    public string? GivenName { get; init; }

    /// <summary>Its name in metrics and logs: the given one, else the kind and the file name of its socket, or the address.</summary>
    public string Name => GivenName ?? $"{KindWord}:{Address?.ToString() ?? AbstractName ?? System.IO.Path.GetFileName(Path)}";

    /// <summary>The file with the secret by which a proxy on TCP proves itself; null for a Unix socket, where file rights do.</summary>
    public string? SecretFile => Get(Keys.SecretFile);

    /// <summary>What the proxy puts before the client's path, for one that passes paths through; empty for nothing.</summary>
    public string PathPrefix => Get(Keys.PathPrefix)!;

    /// <summary>Time for one phase: the proxy's own timeout less 20 %.</summary>
    public TimeSpan Budget
    {
        get => Values.Get(Keys.Budget, Kind == ListenerKind.Envoy && Envoy.FailsOpen ? Keys.FailingOpen : KindWord);
        init => Values = Values.With(Keys.Budget, value);
    }

    /// <summary>Access rights of the socket file.</summary>
    public UnixFileMode Mode => Get(Keys.Mode);

    /// <summary>Group of the socket file, by name or number; null leaves the process's.</summary>
    public string? Group => Get(Keys.Group);

    /// <summary>Request headers that only agents may set; the client's own never pass.</summary>
    public IReadOnlyList<string> SetHeaders { get => Get(Keys.SetHeaders)!; init => Values = Values.With(Keys.SetHeaders, value); }

    /// <summary>Request headers that agents may change or remove.</summary>
    public IReadOnlyList<string> EditHeaders { get => Get(Keys.EditHeaders)!; init => Values = Values.With(Keys.EditHeaders, value); }

    /// <summary>Response headers that agents may set.</summary>
    public IReadOnlyList<string> ResponseHeaders
    {
        get => Values.Get(Keys.ResponseHeaders, Proxy == ProxyKind.Traefik ? "traefik" : "")!;
        init => Values = Values.With(Keys.ResponseHeaders, value);
    }

    /// <summary>Connections at once as the operator wants them; null for what is usual for the kind.</summary>
    public int? MaxConnections { get => Values.Find(Keys.MaxConnections); init => Values = Values.With(Keys.MaxConnections, value); }

    /// <summary>
    /// Connections at once. On a reverse listener only those count that have not registered: the others are their agent's.
    /// </summary>
    public int Connections => Values.Get(Keys.MaxConnections, KindWord);

    /// <summary>Who may dial in; null unless it is a reverse listener.</summary>
    public ReverseOptions? Reverse
    {
        get => Kind == ListenerKind.Reverse ? new() { Values = Values.Of(SettingGroup.Reverse) } : null;
        init => Values = value is null ? Values : value.Values.Over(Values);
    }

    /// <summary>What is particular to spop listeners.</summary>
    public SpopOptions Spop => new() { Values = Values.Of(SettingGroup.Spop) };

    /// <summary>What Envoy's filters are told there; of no meaning for other listeners.</summary>
    public EnvoyOptions Envoy { get => new() { Values = Values.Of(SettingGroup.Envoy) }; init => Values = value.Values.Over(Values); }

    /// <summary>What happens to an event of an exchange that is not known.</summary>
    public FailureMode UnknownExchange { get => Get(Keys.UnknownExchange); init => Values = Values.With(Keys.UnknownExchange, value); }

    // As operators write it.
    private string KindWord => Kind.ToString().ToLowerInvariant();
}

/// <summary>Which proxy asks, and so which headers are believed (rule 9).</summary>
internal enum ProxyKind
{
    /// <summary>Not an HTTP listener of a proxy.</summary>
    None,

    /// <summary>nginx with auth_request.</summary>
    Nginx,

    /// <summary>Caddy with forward_auth.</summary>
    Caddy,

    /// <summary>Traefik with ForwardAuth, over loopback TCP.</summary>
    Traefik,

    /// <summary>Envoy with ext_authz over HTTP.</summary>
    EnvoyHttp,

    /// <summary>A script that asks the neutral decision API.</summary>
    Json,
}

/// <summary>What the configuration of a proxy's filter does with the bodies of requests.</summary>
internal enum RequestBodies
{
    /// <summary>It keeps them, and gives no sign of them beyond what headers and method tell.</summary>
    Kept,

    /// <summary>It hands over their first bytes, so that each is known of; agents are shown none.</summary>
    Signed,

    /// <summary>It hands them over for agents to see.</summary>
    Shown,
}

/// <summary>Who may dial in on a reverse listener, as the operator wrote it.</summary>
internal sealed record ReverseOptions : SettingOptions
{
    /// <summary>The agents allowed; null for every agent whose endpoint is <see cref="AgentEndpoint.Reverse"/>.</summary>
    public IReadOnlyList<string>? Agents { get => Get(Keys.Agents); init => Values = Values.With(Keys.Agents, value); }

    /// <summary>The file with the agents' tokens; null asks for none.</summary>
    public string? TokenFile => Get(Keys.TokenFile);

    /// <summary>Users, by name or number, as which a peer may run; null for any.</summary>
    public IReadOnlyList<string>? Users => Get(Keys.Users);

    /// <summary>Groups, by name or number, as which a peer may run; null for any.</summary>
    public IReadOnlyList<string>? Groups => Get(Keys.Groups);

    /// <summary>Most connections of one agent; null for as many as its pool keeps.</summary>
    public int? MaxPerAgent => Values.Find(Keys.MaxPerAgent);

    /// <summary>Whether this agent may register here.</summary>
    public bool Admits(AgentOptions agent) => agent.IsReverse && (Agents?.Contains(agent.Id) ?? true);
}
