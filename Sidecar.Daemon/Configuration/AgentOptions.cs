using System.Text.Json;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>An agent as the operator wrote it; null where the daemon's own setting counts.</summary>
internal sealed record AgentOptions
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Where it listens, at least one place, one process each; <see cref="AgentEndpoint.Reverse"/> alone when it dials in.</summary>
    public required IReadOnlyList<AgentEndpoint> Endpoints { get; init; }

    /// <summary>Whether it dials in and registers itself; it is never dialled then.</summary>
    public bool IsReverse => Endpoints is [AgentEndpoint.Reverse];

    /// <summary>Shortest wait before it is dialled again where nothing is written.</summary>
    public TimeSpan DefaultReconnectMin => IsRemote ? Defaults.RemoteReconnectMin : Defaults.ReconnectMin;

    /// <summary>Longest wait before it is dialled again where nothing is written.</summary>
    public TimeSpan DefaultReconnectMax => IsRemote ? Defaults.RemoteReconnectMax : Defaults.ReconnectMax;

    /// <summary>How calls to it are made.</summary>
    public PoolOptions Pool { get; init; } = new();

    /// <summary>What happens when it cannot inspect.</summary>
    public FailureMode? FailureMode { get; init; }

    /// <summary>Events it is asked about, whatever it states; null where what it states decides.</summary>
    public EventSet? Events { get; init; }

    /// <summary>Its versions, each with endpoints of its own; empty for one that listens at <see cref="Endpoints"/>.</summary>
    public IReadOnlyList<VersionOptions> Versions { get; init; } = [];

    /// <summary>How it takes part.</summary>
    public AgentMode Mode { get; init; } = AgentMode.Enforce;

    /// <summary>Forces one encoding; null offers MessagePack first, then JSON.</summary>
    public string? Encoding { get; init; }

    /// <summary>Its configuration, pushed on every new connection.</summary>
    public JsonElement? Configuration { get; init; }

    /// <summary>TLS for <c>https://</c> endpoints; null for the system's issuers and no certificate of our own.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>The file that it was read from, and is read from again on demand; null when none was named.</summary>
    public string? ConfigurationFile { get; init; }

    /// <summary>How it is shown bodies.</summary>
    public BodyOptions Body { get; init; } = new();

    private bool IsRemote => Endpoints.Any(static endpoint => endpoint is AgentEndpoint.Grpc);
}

/// <summary>A version of an agent as the operator wrote it.</summary>
/// <param name="Name">Its name, a label value; unique in its agent.</param>
/// <param name="Endpoints">Where it listens, at least one place.</param>
/// <param name="Weight">Its share of the exchanges, 0 to 1000, relative to the other versions'.</param>
internal sealed record VersionOptions(string Name, IReadOnlyList<AgentEndpoint> Endpoints, int Weight);
