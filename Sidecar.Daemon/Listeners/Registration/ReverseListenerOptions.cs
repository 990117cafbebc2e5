using System.Net;
using System.Net.Sockets;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>What a listener for agents that dial in is made of, besides the agents.</summary>
internal sealed record ReverseListenerOptions
{
    /// <summary>Its name in metrics and logs.</summary>
    public required string Name { get; init; }

    /// <summary>The Unix socket.</summary>
    public required string Path { get; init; }

    /// <summary>Makes the listening socket.</summary>
    public required Func<EndPoint, Socket> CreateListenSocket { get; init; }

    /// <summary>What speaks against the peer of an accepted socket, in words; null for nothing.</summary>
    public Func<Socket, string?> PeerProblem { get; init; } = static _ => null;

    /// <summary>This daemon's version, told in every answer.</summary>
    public required string ProxyVersion { get; init; }

    /// <summary>How long an attempt may take, from the connect to the answer.</summary>
    public TimeSpan Timeout { get; init; } = Defaults.RegistrationTimeout;

    /// <summary>Connections that may be open without having registered, of all peers together.</summary>
    public int MaxConnections { get; init; } = Defaults.UnregisteredConnections;

    /// <summary>Connections of one process that may be open without having registered; a user may have twice as many.</summary>
    public int MaxUnregistered { get; init; } = Defaults.MaxUnregistered;

    /// <summary>Attempts of one process within a second; a user has twice as many.</summary>
    public int AttemptsPerSecond { get; init; } = Defaults.RegistrationsPerSecond;
}
