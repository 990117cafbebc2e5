using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

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
