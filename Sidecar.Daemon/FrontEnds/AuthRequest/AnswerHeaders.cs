using Sidecar.Daemon.FrontEnds.Common;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// Names of the headers in the answers to questions. Those that a proxy may copy are always present, empty when there is nothing to say: it
/// must not keep an old or a client's value.
/// </summary>
internal static class AnswerHeaders
{
    /// <summary>Our id of the exchange.</summary>
    public const string Id = "X-Sidecar-Id";

    /// <summary><c>allow</c>, <c>block</c>, <c>redirect</c>, <c>challenge</c> or <c>failed-closed</c>.</summary>
    public const string Action = "X-Sidecar-Action";

    /// <summary>The token of the reply; empty on allow.</summary>
    public const string Reply = "X-Sidecar-Reply";

    /// <summary>What the agents said; see <see cref="AuditLine"/>.</summary>
    public const string Audit = "X-Sidecar-Audit";

    /// <summary>Why an agent was not heard; empty when all were.</summary>
    public const string Cause = "X-Sidecar-Cause";

    /// <summary>
    /// The same for proxies that copy headers under the names they have: why a request passes without having been inspected as it should.
    /// </summary>
    public const string Bypassed = "X-Sidecar-Bypassed";

    /// <summary>The status that was asked for, where the proxy would take it for something else than a refusal.</summary>
    public const string Status = "X-Sidecar-Status";

    /// <summary>What a proxy on a TCP listener proves itself with. In questions only.</summary>
    public const string Secret = "X-Sidecar-Secret";

    /// <summary>Envoy's list of request headers to remove (proxy integration §3.6).</summary>
    public const string EnvoyRemove = "x-envoy-auth-headers-to-remove";

    /// <summary>Followed by the name of a request header.</summary>
    public const string RequestPrefix = "X-Sidecar-Request-";

    /// <summary>Followed by the name of a response header.</summary>
    public const string ResponsePrefix = "X-Sidecar-Response-";
}
