using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Daemon.FrontEnds.Common;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>How one kind of proxy tells about the client's request and what it can do with our answer. Immutable.</summary>
internal sealed record ProxyProfile
{
    /// <summary>
    /// nginx's <c>auth_request</c>: names set by the ready configuration, and a second step for replies (proxy integration §2).
    /// </summary>
    public static ProxyProfile Nginx { get; } = new()
    {
        Headers = HeaderTables.Nginx,
        RequestPrefix = AnswerHeaders.RequestPrefix,
        ResponsePrefix = AnswerHeaders.ResponsePrefix,
        TellsFraming = true,

        // All headers of an answer share one buffer of 16 KiB: these and the audit line, or the reply token.
        MaxCarriedBytes = 12 * 1024,
    };

    /// <summary>
    /// Caddy's <c>forward_auth</c>, whatever else its configuration says: the five names that the directive always sets (proxy integration
    /// §4.2).
    /// </summary>
    public static ProxyProfile Caddy { get; } = new()
    {
        Headers = HeaderTables.Caddy,
        AnnouncedHeaders = HeaderTables.CaddyAnnounced,
        ResponsePrefix = AnswerHeaders.ResponsePrefix,

        // Twice what is inspected of a request; Go's clients read answers of 1 MiB and more.
        MaxCarriedBytes = 256 * 1024,
    };

    /// <summary>
    /// Traefik's <c>ForwardAuth</c>; it copies headers, of the answer's own only cookies, under their names (proxy integration §4.1).
    /// </summary>
    public static ProxyProfile Traefik { get; } = Caddy with
    {
        Headers = HeaderTables.Traefik,
        AnnouncedHeaders = null,
        UpgradeHeaders = HeaderTables.TraefikUpgrades,
        ResponsePrefix = "",
        BodiesAreSentBy = "forwardBody: true of every forwardAuth that asks here",
    };

    /// <summary>
    /// Envoy's ext_authz over HTTP: request line and Host are the client's, the rest is the ready configuration's (proxy integration §3.6).
    /// </summary>
    public static ProxyProfile EnvoyHttp { get; } = new()
    {
        AsksByRequestLine = true,
        Headers = HeaderTables.EnvoyHttp,
        ResponsePrefix = "",
        RemovesHeaders = true,
        BodiesAreSentBy = "with_request_body of the filter and of each of its routes",

        // Envoy reads 60 KiB of an answer's headers.
        MaxCarriedBytes = 48 * 1024,

        // Only 200 passes, and 5xx is a failure, which failure_mode_allow lets pass.
        LowestDenial = 201,
        HighestDenial = 499,
        MakesGrpcStatuses = true,
    };

    /// <summary>Which headers of a question are believed, shown, consumed, refused.</summary>
    public required HeaderTable Headers { get; init; }

    /// <summary>The same where the configuration asks that announces all bodies; null where there is no difference.</summary>
    public HeaderTable? AnnouncedHeaders { get; init; }

    /// <summary>
    /// The same where the configuration asks that says which protocol a request is upgraded to; null where there is none.
    /// </summary>
    public HeaderTable? UpgradeHeaders { get; init; }

    /// <summary>What makes the proxy put clients' bodies into its questions, for messages; null where nothing does.</summary>
    public string? BodiesAreSentBy { get; init; }

    /// <summary>Whether questions may have the client's body as their own.</summary>
    public bool CarriesBodies => BodiesAreSentBy is not null;

    /// <summary>Whether method and target stand in the question's request line instead of in headers.</summary>
    public bool AsksByRequestLine { get; init; }

    /// <summary>Whether the client's Content-Length and Transfer-Encoding are told.</summary>
    public bool TellsFraming { get; init; }

    /// <summary>
    /// What stands before a request header's name in an answer: nothing where the proxy copies headers under their own names.
    /// </summary>
    public string RequestPrefix { get; init; } = "";

    /// <summary>
    /// What stands before a response header's name in an answer: nothing where the proxy adds the header as it stands, line by line.
    /// </summary>
    public required string ResponsePrefix { get; init; }

    /// <summary>Whether an answer can name request headers to remove; where not, an empty value stands for none.</summary>
    public bool RemovesHeaders { get; init; }

    /// <summary>Bytes of all carried values of one answer.</summary>
    public required int MaxCarriedBytes { get; init; }

    /// <summary>The lowest status that this proxy takes for a refusal. Below it a request would pass.</summary>
    public int LowestDenial { get; init; } = 300;

    /// <summary>The highest status that this proxy takes for a refusal under all configurations.</summary>
    public int HighestDenial { get; init; } = 599;

    /// <summary>Whether clients of gRPC get a status of theirs made of the answer, and its text as the message.</summary>
    public bool MakesGrpcStatuses { get; init; }

    /// <summary>Which headers are believed of a question.</summary>
    public HeaderTable HeadersOf(CheckForm form) => form switch
    {
        CheckForm.Announced => AnnouncedHeaders,
        CheckForm.Upgrades => UpgradeHeaders,
        _ => null,
    } ?? Headers;

    /// <summary>The dialect of a proxy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The proxy does not ask an http listener.</exception>
    public static ProxyProfile Of(ProxyKind proxy) => proxy switch
    {
        ProxyKind.Nginx => Nginx,
        ProxyKind.Caddy => Caddy,
        ProxyKind.Traefik => Traefik,
        ProxyKind.EnvoyHttp => EnvoyHttp,
        _ => throw new ArgumentOutOfRangeException(nameof(proxy), proxy, "no dialect of an http listener"),
    };
}

/// <summary>
/// What the configuration that asks has besides what its proxy always does. Only that configuration chooses the path of a question, and so
/// the form.
/// </summary>
internal enum CheckForm
{
    /// <summary>Nothing.</summary>
    Usual,

    /// <summary>It lets no body pass upstream that no header announces, where the method is not made for one.</summary>
    Announced,

    /// <summary>It says which protocol a request is upgraded to, whatever the client sends under that name.</summary>
    Upgrades,
}

/// <summary>
/// What an http listener believes, bears and carries. The names of headers are those of the proxy's configuration: its variables are
/// literals.
/// </summary>
internal sealed record HttpListenerOptions
{
    /// <summary>The listener's name, a label value.</summary>
    public required string Name { get; init; }

    /// <summary>Which proxy asks, and so what is believed and how it is answered.</summary>
    public ProxyProfile Dialect { get; init; } = ProxyProfile.Nginx;

    /// <summary>What the proxy puts before the client's path in the request line of a question; empty for nothing.</summary>
    public string PathPrefix { get; init; } = "";

    /// <summary>What the proxy does with the client's body, where its questions may have it as their own.</summary>
    public RequestBodies Bodies { get; init; }

    /// <summary>
    /// How many load balancers in front of the proxy are believed to have told the client's address, each by one more address in the list.
    /// </summary>
    public int TrustedHops { get; init; }

    /// <summary>Time for one verdict. The default suits a proxy that gives up after 500 ms.</summary>
    public TimeSpan Budget { get; init; } = ListenerSettings.Budget.Default;

    /// <summary>Header fields of a request that are inspected; one with more is refused.</summary>
    public int MaxHeaders { get; init; } = Defaults.MaxHeaders;

    /// <summary>Bytes of names and values of a request's headers that are inspected; one with more is refused.</summary>
    public int MaxHeaderBytes { get; init; } = Defaults.MaxHeaderBytes;

    /// <summary>
    /// Request headers that only agents may set: the client's own value never passes. Each is answered as <c>NAME</c> behind the dialect's
    /// prefix, empty when no agent set it.
    /// </summary>
    public IReadOnlyList<string> SetHeaders { get; init; } = ["X-User"];

    /// <summary>
    /// Request headers that agents may change: answered likewise with the final value, the client's own where no agent touched it, empty
    /// when removed.
    /// </summary>
    public IReadOnlyList<string> EditHeaders { get; init; } = ["X-Client-Secret"];

    /// <summary>Response headers that agents may set or add: answered as <c>NAME</c> behind the dialect's prefix.</summary>
    public IReadOnlyList<string> ResponseHeaders { get; init; } = ["X-Frame-Options"];
}
