namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>What the operator says of an ext_authz filter. Immutable.</summary>
internal sealed record AuthzOptions
{
    /// <summary>The listener, with the limits of headers and the time for filters that name none.</summary>
    public required ExtProcOptions Listener { get; init; }

    /// <summary>
    /// Whether the filter has <c>with_request_body</c>. Without it a body passes unseen, and of an HTTP/2 request without a length nobody can tell
    /// that it has one; so each of those counts as one whose body is not seen.
    /// </summary>
    public bool HasRequestBody { get; init; } = true;
}
