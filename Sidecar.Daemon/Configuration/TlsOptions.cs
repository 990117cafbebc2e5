namespace Sidecar.Daemon.Configuration;

/// <summary>
/// How agents at <c>https://</c> endpoints are known and how they know us. Files are read at every dial, so replaced ones are used by the next.
/// </summary>
internal sealed record TlsOptions
{
    /// <summary>Who may issue the agent's certificate: a PEM file; null for those whom the system trusts.</summary>
    public string? Authorities { get; init; }

    /// <summary>Our own certificate, a PEM file; null for none.</summary>
    public string? Certificate { get; init; }

    /// <summary>Its key, a PEM file; null when it is in the certificate's.</summary>
    public string? Key { get; init; }

    /// <summary>The name that the agent's certificate must be for; null for the endpoint's host.</summary>
    public string? ServerName { get; init; }
}
