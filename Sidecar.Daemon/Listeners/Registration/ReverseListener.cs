using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>
/// A listener for agents that dial in (spec §8): bounds the attempts of each peer, and gives each to the <see cref="RegistrationHandler"/>.
/// </summary>
/// <remarks>
/// Connections outlive it: those that are registered belong to their agents' pools, which close them after the listeners have stopped.
/// </remarks>
internal sealed class ReverseListener : IAsyncDisposable
{
    // So that no user has more than half of what may be open, and no process more than a quarter.
    private const int SharesInAll = 4;

    private readonly CancellationTokenSource _stopping = new();
    private readonly ReverseListenerOptions _options;
    private readonly RegistrationHandler _registrations;
    private readonly AttemptLimit _attempts;
    private readonly PeerShare _unregistered;
    private readonly SocketListener _listener;
    private int _disposed;

    /// <summary>A listener that does not listen yet.</summary>
    public ReverseListener(
        ReverseListenerOptions options, RegistrationRules rules, SidecarMetrics metrics, TimeProvider time, ILogger logger)
    {
        _options = options;
        _registrations = new RegistrationHandler(options, rules, metrics, time, logger);
        _attempts = new AttemptLimit(options.AttemptsPerSecond, time);
        _unregistered = new PeerShare(Math.Clamp(options.MaxConnections / SharesInAll, 1, options.MaxUnregistered));
        var accepting = new SocketListenerOptions
        {
            Name = options.Name,
            MaxConnections = options.MaxConnections,
            Refuse = accepted => _registrations.TurnAway(accepted, Problem(accepted) ?? TooManyUnregistered(options.MaxConnections)),
            Time = time,
        };
        _listener = new SocketListener(accepting, ServeAsync, logger);
    }

    /// <summary>Connections that are open and have not registered.</summary>
    public int Unregistered => _listener.Open;

    /// <summary>Starts to listen; the socket accepts when this returns.</summary>
    /// <exception cref="IOException">The path cannot be used.</exception>
    public void Start() => _listener.Start(_options.CreateListenSocket(new UnixDomainSocketEndPoint(_options.Path)));

    /// <summary>Accepts no more and ends the registrations under way. Connections that are registered live on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _listener.StopAcceptingAsync().ConfigureAwait(false);
        await _listener.DrainAsync(CancellationToken.None).ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task ServeAsync(AcceptedSocket accepted)
    {
        var peer = accepted.Peer.GetValueOrDefault();
        if (Problem(accepted) is { } problem)
        {
            _registrations.TurnAway(accepted, problem);
        }
        else if (!_unregistered.TryTake(peer))
        {
            _registrations.TurnAway(accepted, TooManyUnregistered(_unregistered.Share));
        }
        else
        {
            try
            {
                if (await _registrations.RegisterAsync(accepted, _stopping.Token).ConfigureAwait(false))
                {
                    _attempts.Forget(peer);
                }
            }
            finally
            {
                _unregistered.Return(peer);
            }
        }
    }

    // Those who may not come at all are turned away first: they must not use up the attempts of those who may.
    private Refusal? Problem(AcceptedSocket accepted) =>
        _options.PeerProblem(accepted.Socket) is { } problem ? new Refusal(RegistrationOutcome.Peer, $"Not allowed: {problem}")
        : !_attempts.TryCount(accepted.Peer.GetValueOrDefault()) ? new Refusal(
            RegistrationOutcome.TooManyAttempts,
            $"Too many attempts: {_options.AttemptsPerSecond} within a second are the limit; try again later")
        : null;

    private static Refusal TooManyUnregistered(int limit) =>
        new(RegistrationOutcome.TooManyUnregistered, $"Too many connections have not registered: {limit} are the limit; try again later");
}

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
