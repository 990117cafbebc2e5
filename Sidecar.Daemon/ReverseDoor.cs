using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents.Reverse;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Hosting;

namespace Sidecar.Daemon;

/// <summary>The listener for agents that dial in, with its socket file, its tokens and the users it lets in.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Stopping is what disposes of the listener.")]
internal sealed class ReverseDoor : IDaemonListener
{
    private readonly UnixListenerSocket _socket;
    private readonly ReverseListener _listener;

    /// <summary>A listener that does not listen yet.</summary>
    /// <exception cref="IOException">The token file cannot be used, or a user or group does not exist.</exception>
    public ReverseDoor(
        ListenerOptions listener,
        IReadOnlyDictionary<string, RegisteredConnections> agents,
        UnixListenerSocket socket,
        SidecarMetrics metrics,
        TimeProvider time,
        ILoggerFactory loggers)
    {
        Name = listener.Name;
        _socket = socket;
        var reverse = listener.Reverse!;
        var tokens = reverse.TokenFile is { } file ? AgentTokens.Load(file, agents.Keys) : null;
        var options = new ReverseListenerOptions
        {
            Name = listener.Name,
            Path = listener.Path,
            CreateListenSocket = socket.Bind,
            PeerProblem = PeerRules.Resolve(reverse.Users, reverse.Groups).Problem,
            ProxyVersion = DaemonVersion.Text,
            MaxConnections = listener.Connections,
            MaxUnregistered = Math.Max(1, listener.Connections / 4),
        };
        var rules = new RegistrationRules(agents, tokens, reverse.MaxPerAgent ?? int.MaxValue);
        _listener = new ReverseListener(options, rules, metrics, time, loggers.CreateLogger<ReverseListener>());
    }

    public string Name { get; }

    public Task StartAsync(CancellationToken cancellation)
    {
        _listener.Start();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellation)
    {
        // The file goes first, so that a new connection finds the successor or nobody, never a listener that stops.
        _socket.Unlink();
        await _listener.DisposeAsync().AsTask().WaitAsync(cancellation).ConfigureAwait(false);
    }
}
