using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>
/// How agents at <c>https://</c> endpoints are known and how they know us. Files are read at every dial, so replaced ones are used by the
/// next.
/// </summary>
internal sealed record TlsOptions : SettingOptions
{
    /// <summary>Who may issue the agent's certificate: a PEM file; null for those whom the system trusts.</summary>
    public string? Authorities { get => Get(AgentSettings.Authorities); init => Values = Values.With(AgentSettings.Authorities, value); }

    /// <summary>Our own certificate, a PEM file; null for none.</summary>
    public string? Certificate { get => Get(AgentSettings.Certificate); init => Values = Values.With(AgentSettings.Certificate, value); }

    /// <summary>Its key, a PEM file; null when it is in the certificate's.</summary>
    public string? Key { get => Get(AgentSettings.CertificateKey); init => Values = Values.With(AgentSettings.CertificateKey, value); }

    /// <summary>The name that the agent's certificate must be for; null for the endpoint's host.</summary>
    public string? ServerName { get => Get(AgentSettings.ServerName); init => Values = Values.With(AgentSettings.ServerName, value); }
}
