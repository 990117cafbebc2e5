namespace Sidecar.Daemon.Configuration;

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
