using System.Text.Json;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>An agent as the operator wrote it; null where the daemon's own setting counts.</summary>
internal sealed record AgentOptions : SettingOptions
{
    public required string Id { get; init; }

    /// <summary>
    /// Where it listens, at least one place, one process each; <see cref="AgentEndpoint.Reverse"/> alone when it dials in.
    /// </summary>
    public required IReadOnlyList<AgentEndpoint> Endpoints { get; init; }

    /// <summary>Whether it dials in and registers itself; it is never dialled then.</summary>
    public bool IsReverse => Endpoints is [AgentEndpoint.Reverse];

    /// <summary>The word for what it is, for settings whose default depends on it: <see cref="CallSettings.Remote"/> or nothing.</summary>
    public string Variant => Endpoints.Any(static endpoint => endpoint is AgentEndpoint.Grpc) ? CallSettings.Remote : "";

    /// <summary>How calls to it are made.</summary>
    public PoolOptions Pool { get => new() { Values = Values }; init => Values = value.Values.Over(Values); }

    /// <summary>What happens when it cannot inspect.</summary>
    public FailureOptions OnFailure { get => Get(DaemonSettings.OnFailure); init => Values = Values.With(DaemonSettings.OnFailure, value); }

    /// <summary>Events it is asked about, whatever it states; null where what it states decides.</summary>
    public EventSet? Events { get => Values.Find(AgentSettings.Events); init => Values = Values.With(AgentSettings.Events, value); }

    /// <summary>Its versions, each with endpoints of its own; empty for one that listens at <see cref="Endpoints"/>.</summary>
    public IReadOnlyList<VersionOptions> Versions { get; init; } = [];

    /// <summary>How it takes part.</summary>
    public AgentMode Mode { get => Get(AgentSettings.Mode); init => Values = Values.With(AgentSettings.Mode, value); }

    /// <summary>Forces one encoding; null offers MessagePack first, then JSON.</summary>
    public string? Encoding { get => Get(AgentSettings.Encoding); init => Values = Values.With(AgentSettings.Encoding, value); }

    /// <summary>Its configuration, pushed on every new connection.</summary>
    public JsonElement? Configuration { get; init; }

    /// <summary>The file that it was read from, and is read from again on demand; null when none was named.</summary>
    public string? ConfigurationFile => Get(AgentSettings.ConfigurationFile);

    /// <summary>TLS for <c>https://</c> endpoints; null for the system's issuers and no certificate of our own.</summary>
    public TlsOptions? Tls => Values.Of(SettingGroup.AgentTls) is var tls && tls.Written.Any() ? new() { Values = tls } : null;

    /// <summary>How it is shown bodies.</summary>
    public BodyOptions Body => new() { Values = Values.Of(SettingGroup.AgentBodies) };
}

/// <summary>A version of an agent as the operator wrote it.</summary>
/// <param name="Name">Its name, a label value; unique in its agent.</param>
/// <param name="Endpoints">Where it listens, at least one place.</param>
/// <param name="Weight">Its share of the exchanges, 0 to 1000, relative to the other versions'.</param>
internal sealed record VersionOptions(string Name, IReadOnlyList<AgentEndpoint> Endpoints, int Weight)
{
    /// <summary>Largest weight: a tenth of a percent can be told apart, and a round stays small.</summary>
    public const int MaxWeight = 1000;
}

/// <summary>How calls to an agent are made, as the operator wrote it: for the daemon by flags, for one agent by keys.</summary>
internal sealed record PoolOptions : SettingOptions
{
    /// <summary>Connections, over all endpoints; null where nothing was written.</summary>
    public int? Connections { get => Values.Find(CallSettings.Connections); init => Values = Values.With(CallSettings.Connections, value); }

    /// <summary>How long calls in flight may take when the connections are closed; null as the daemon's own drain.</summary>
    public TimeSpan? DrainTimeout
    {
        get => Values.Find(AgentSettings.DrainTimeout);
        init => Values = Values.With(AgentSettings.DrainTimeout, value);
    }

    /// <summary>These settings, and those of another where these say nothing.</summary>
    public PoolOptions Over(PoolOptions other) => new() { Values = Values.Over(other.Values) };

    /// <summary>These with one more.</summary>
    public PoolOptions With<T>(Setting<T> setting, T value) => new() { Values = Values.With(setting, value) };
}

/// <summary>How an agent is shown bodies, as the operator wrote it.</summary>
internal sealed record BodyOptions : SettingOptions
{
    /// <summary>Request bodies: collected, streamed, or both.</summary>
    public BodyShape Request => Get(AgentSettings.BodyMode);

    /// <summary>Response bodies likewise.</summary>
    public BodyShape Response => Get(AgentSettings.ResponseBodyMode);

    /// <summary>Largest request body in bytes.</summary>
    public long MaxRequestBytes => Get(AgentSettings.MaxBody);

    /// <summary>Largest response body in bytes.</summary>
    public long MaxResponseBytes => Get(AgentSettings.MaxResponseBody);

    /// <summary>What happens beyond; null follows the failure mode: closed blocks, open skips.</summary>
    public ExcessAction? OnExcess => Values.Find(AgentSettings.OnExcess);

    /// <summary>Most bytes in one event.</summary>
    public int MaxEventBytes => (int)Math.Min(Values.Find(AgentSettings.MaxEvent) ?? int.MaxValue, int.MaxValue);

    /// <summary>Bytes held for the agent at once.</summary>
    public long Memory => Get(AgentSettings.BodyMemory);

    /// <summary>Whether the agent can do without bodies where the proxy hands none over.</summary>
    public bool IsOptional => Get(AgentSettings.BodyIsOptional);
}

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
