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
    public FailureMode? FailureMode
    {
        get => Values.Find(DaemonSettings.FailureMode);
        init => Values = Values.With(DaemonSettings.FailureMode, value);
    }

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
