using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>How one kind of proxy tells about the client's request and what it can do with our answer. Immutable.</summary>
internal sealed record ProxyDialect
{
    /// <summary>nginx's <c>auth_request</c>: names set by the ready configuration, and a second step for replies (proxy integration §2).</summary>
    public static ProxyDialect Nginx { get; } = new()
    {
        Headers = HeaderTables.Nginx,
        RequestPrefix = AnswerHeaders.RequestPrefix,
        ResponsePrefix = AnswerHeaders.ResponsePrefix,
        TellsFraming = true,

        // All headers of an answer share one buffer of 16 KiB: these and the audit line, or the reply token.
        MaxCarriedBytes = 12 * 1024,
    };

    /// <summary>Caddy's <c>forward_auth</c>, whatever else its configuration says: the five names that the directive itself always sets (§4.2).</summary>
    public static ProxyDialect Caddy { get; } = new()
    {
        Headers = HeaderTables.Caddy,
        AnnouncedHeaders = HeaderTables.CaddyAnnounced,
        ResponsePrefix = AnswerHeaders.ResponsePrefix,

        // Twice what is inspected of a request; Go's clients read answers of 1 MiB and more.
        MaxCarriedBytes = 256 * 1024,
    };

    /// <summary>Traefik's <c>ForwardAuth</c>; it copies headers, and of the answer's own only cookies, under the names they have (§4.1).</summary>
    public static ProxyDialect Traefik { get; } = Caddy with
    {
        Headers = HeaderTables.Traefik,
        AnnouncedHeaders = null,
        ResponsePrefix = "",
    };

    /// <summary>Envoy's ext_authz over HTTP: the request line and Host are the client's own, the rest is set by the ready configuration (§3.6).</summary>
    public static ProxyDialect EnvoyHttp { get; } = new()
    {
        AsksByRequestLine = true,
        Headers = HeaderTables.EnvoyHttp,
        ResponsePrefix = "",
        RemovesHeaders = true,

        // Envoy reads 60 KiB of an answer's headers.
        MaxCarriedBytes = 48 * 1024,

        // Only 200 passes, and 5xx is a failure, which failure_mode_allow lets pass.
        LowestDenial = 201,
        HighestDenial = 499,
    };

    /// <summary>Which headers of a question are believed, shown, consumed, refused.</summary>
    public required HeaderTable Headers { get; init; }

    /// <summary>The same where the configuration asks that announces all bodies; null where there is no difference.</summary>
    public HeaderTable? AnnouncedHeaders { get; init; }

    /// <summary>Whether method and target stand in the question's request line instead of in headers.</summary>
    public bool AsksByRequestLine { get; init; }

    /// <summary>Whether the client's Content-Length and Transfer-Encoding are told.</summary>
    public bool TellsFraming { get; init; }

    /// <summary>What stands before a request header's name in an answer: nothing where the proxy copies headers under their own names.</summary>
    public string RequestPrefix { get; init; } = "";

    /// <summary>What stands before a response header's name in an answer: nothing where the proxy adds the header as it stands, line by line.</summary>
    public required string ResponsePrefix { get; init; }

    /// <summary>Whether an answer can name request headers to remove; where not, an empty value stands for none.</summary>
    public bool RemovesHeaders { get; init; }

    /// <summary>Bytes of all carried values of one answer.</summary>
    public required int MaxCarriedBytes { get; init; }

    /// <summary>The lowest status that this proxy takes for a refusal. Below it a request would pass.</summary>
    public int LowestDenial { get; init; } = 300;

    /// <summary>The highest status that this proxy takes for a refusal under all configurations.</summary>
    public int HighestDenial { get; init; } = 599;

    /// <summary>The dialect of a proxy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The proxy does not ask an http listener.</exception>
    public static ProxyDialect Of(ProxyKind proxy) => proxy switch
    {
        ProxyKind.Nginx => Nginx,
        ProxyKind.Caddy => Caddy,
        ProxyKind.Traefik => Traefik,
        ProxyKind.EnvoyHttp => EnvoyHttp,
        _ => throw new ArgumentOutOfRangeException(nameof(proxy), proxy, "no dialect of an http listener"),
    };
}
