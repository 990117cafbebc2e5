using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Agents.Reverse;

/// <summary>A listener for agents that dial in (spec §8): accepts, bounds the attempts, and gives each to the <see cref="RegistrationDesk"/>.</summary>
/// <remarks>
/// It accepts by itself instead of through Kestrel's transport, because connections outlive it: they belong to their agents' pools, which
/// close them after the listeners have stopped. A registration under way never waits in a pipe, either.
/// </remarks>
internal sealed class ReverseListener : IAsyncDisposable
{
    // Out of descriptors or memory: trying again at once would only burn a core.
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _unregistered;
    private readonly ReverseListenerOptions _options;
    private readonly RegistrationDesk _desk;
    private readonly AttemptLimit _attempts;
    private readonly LogPace _pace;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private Socket? _socket;
    private Task _accepting = Task.CompletedTask;
    private int _disposed;

    /// <summary>A listener that does not listen yet.</summary>
    public ReverseListener(ReverseListenerOptions options, RegistrationRules rules, SidecarMetrics metrics, TimeProvider time, ILogger logger)
    {
        _options = options;
        _desk = new RegistrationDesk(options, rules, metrics, time, logger);
        _attempts = new AttemptLimit(options.AttemptsPerSecond, time);
        _unregistered = new SemaphoreSlim(options.MaxUnregistered, options.MaxUnregistered);
        _pace = new LogPace(time);
        _time = time;
        _logger = logger;
    }

    /// <summary>Connections that are open and have not registered.</summary>
    public int Unregistered => _options.MaxUnregistered - _unregistered.CurrentCount;

    /// <summary>Starts to listen; the socket accepts when this returns.</summary>
    /// <exception cref="IOException">The path cannot be used.</exception>
    public void Start()
    {
        _socket = _options.CreateListenSocket(new UnixDomainSocketEndPoint(_options.Path));
        using (ExecutionContext.SuppressFlow())
        {
            _accepting = Task.Run(() => AcceptAsync(_socket), CancellationToken.None);
        }
    }

    /// <summary>Accepts no more and ends the registrations under way. Connections that are registered live on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        _socket?.Dispose();
        for (var i = 0; i < _options.MaxUnregistered; i++)
        {
            await _unregistered.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        }

        _unregistered.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        var stopping = _stopping.Token;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                Take(await listener.AcceptAsync(stopping).ConfigureAwait(false), stopping);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                if (_pace.MayLog("accept", out var leftOut))
                {
                    Log.AcceptFailed(_logger, _options.Name, leftOut, e);
                }

                await Task.Delay(AcceptPause, _time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // Those who may not come at all are turned away first: they must not use up the attempts of those who may.
    private void Take(Socket peer, CancellationToken stopping)
    {
        if (_options.PeerProblem(peer) is { } problem)
        {
            _desk.TurnAway(peer, new Refusal(RegistrationOutcome.Peer, $"Not allowed: {problem}"));
        }
        else if (!_attempts.TryCount())
        {
            _desk.TurnAway(peer, new Refusal(
                RegistrationOutcome.TooManyAttempts, $"Too many attempts: {_options.AttemptsPerSecond} within a second are the limit; try again later"));
        }
        else if (!_unregistered.Wait(0, CancellationToken.None))
        {
            _desk.TurnAway(peer, new Refusal(
                RegistrationOutcome.TooManyUnregistered, $"Too many connections have not registered: {_options.MaxUnregistered} are the limit; try again later"));
        }
        else
        {
            _ = RegisterAsync(peer, stopping);
        }
    }

    private async Task RegisterAsync(Socket peer, CancellationToken stopping)
    {
        try
        {
            await _desk.RegisterAsync(peer, stopping).ConfigureAwait(false);
        }
        finally
        {
            _unregistered.Release();
        }
    }
}
