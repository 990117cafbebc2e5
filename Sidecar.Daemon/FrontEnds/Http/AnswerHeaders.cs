namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Names of the headers in every answer to a question. All are always present, empty when there is nothing to say: what a proxy copies must not keep an old or a client's value.</summary>
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

    /// <summary>Followed by the name of a request header.</summary>
    public const string RequestPrefix = "X-Sidecar-Request-";

    /// <summary>Followed by the name of a response header.</summary>
    public const string ResponsePrefix = "X-Sidecar-Response-";
}
