using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>The connections of one agent version: kept open for ever, chosen for each new exchange.</summary>
/// <remarks>Selection reads one array and a few flags: no lock, no I/O, no wait.</remarks>
internal sealed class ConnectionPool : IConnectionSink, IAsyncDisposable
{
    private readonly ConnectionSet _set;
    private readonly CancellationTokenSource _stopping = new();
    private volatile PoolSettings _settings;
    private readonly IReadOnlyList<IAgentDialer> _dialers;
    private volatile ISelectionPolicy _policy;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly EndpointSet _endpoints;
    private readonly Random _random;
    private readonly PoolHealth _health;
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _running = [];
    private volatile ConnectionMaintainer[] _keepers = [];
    private volatile ConnectionTraits? _traits;
    private volatile bool _isDegraded;
    private readonly Lock _closingGate = new();
    private volatile bool _draining;
    private Task? _closing;

    /// <summary>A pool that dials nothing before <see cref="Start"/>.</summary>
    /// <param name="settings">How many connections, and how they are kept.</param>
    /// <param name="dialers">One per endpoint; the pool disposes of them.</param>
    /// <param name="policy">Chooses; of this pool alone.</param>
    /// <param name="random">Seeds jitter.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="observer">Takes what concerns the agent as a whole; null for nobody.</param>
    public ConnectionPool(
        PoolSettings settings, IReadOnlyList<IAgentDialer> dialers, ISelectionPolicy policy, Random random, TimeProvider time, ILogger logger,
        IAgentObserver? observer = null)
    {
        Observer = observer;
        _settings = settings;
        _dialers = dialers;
        _policy = policy;
        _random = random;
        _time = time;
        _logger = logger;
        _set = new ConnectionSet(time);
        _health = new PoolHealth(settings.AgentId, time, logger);
        Sticky = new StickySessions(settings.StickyTimeout, settings.StickySessions, time);
        Ejection = new Ejection(this, settings.AgentId, time, logger);
        Admission = new Admission(this, time, (state, reason) => Log.Breaker(logger, settings.AgentId, state, reason));
        _endpoints = new EndpointSet(dialers, settings, random, time, () => Array.ForEach(_keepers, static keeper => keeper.Nudge()));
    }

    /// <summary>A pool of one endpoint.</summary>
    public ConnectionPool(
        PoolSettings settings, IAgentDialer dialer, ISelectionPolicy policy, Random random, TimeProvider time, ILogger logger, IAgentObserver? observer = null)
        : this(settings, [dialer], policy, random, time, logger, observer)
    {
    }

    /// <summary>Takes what concerns the agent as a whole; null for nobody.</summary>
    public IAgentObserver? Observer { get; }

    /// <summary>The settings.</summary>
    public PoolSettings Settings => _settings;

    /// <summary>The endpoints as the operator wrote them.</summary>
    public IReadOnlyList<string> Endpoints => [.. _dialers.Select(static dialer => dialer.Endpoint)];

    /// <summary>Dials each endpoint where a configuration has to be tried before connections with calls on them are given it.</summary>
    public IEnumerable<IAgentDialer> TrialsOf(ConfigurationValue configuration) =>
        _dialers.Select(dialer => dialer.ForTrialOf(configuration)).OfType<IAgentDialer>();

    /// <summary>How connections are chosen.</summary>
    public string Strategy => _policy.Name;

    /// <summary>What became of the calls of all connections, those that have ended included.</summary>
    public CallCounts Counts => _set.Counts;

    /// <summary>Lets the calls of this pool through, or not.</summary>
    public Admission Admission { get; }

    /// <summary>Takes failing connections out and brings them back.</summary>
    public Ejection Ejection { get; }

    /// <summary>The sessions of clients that keep to a connection.</summary>
    public StickySessions Sticky { get; }

    /// <summary>The connections that are live now.</summary>
    public IReadOnlyList<PooledConnection> Live => _set.Live;

    /// <summary>The same for the path of a call, which enumerates nothing on the heap.</summary>
    public ReadOnlySpan<PooledConnection> LiveSpan => _set.Live;

    /// <summary>What the agent's connections can carry; null before the first handshake.</summary>
    public ConnectionTraits? Traits => _traits;

    /// <summary>What is wrong with endpoints now.</summary>
    public IReadOnlyList<EndpointProblem> Problems => _endpoints.Problems();

    /// <summary>Whether any connection takes new exchanges.</summary>
    public bool IsAvailable => Array.Exists(_set.Live, static connection => connection.TakesNew);

    /// <summary>Whether a connection that is to stay takes new exchanges.</summary>
    public bool HasKept => Array.Exists(_keepers, static keeper => keeper.TakesNew);

    /// <summary>Ends when the first connection is open; where none ever is, never.</summary>
    public Task Connected => _connected.Task;

    /// <summary>How the agent is as a whole, as of the last change.</summary>
    public PoolState State => _health.State;

    /// <summary>Whether the pool is being closed: nothing new is chosen.</summary>
    public bool IsClosing => _draining;

    /// <summary>Calls that wait and answers owed, over all connections.</summary>
    public int InFlight => _set.Live.Sum(static connection => connection.Connection.Stats.InFlight);

    /// <summary>By how much the agent wants the timeouts of calls without a connection yet to be stretched, 1 or more.</summary>
    public double TimeoutMultiplier => _isDegraded ? PoolSnapshot.MultiplierOf(_set.Live) : 1;

    /// <summary>Begins to dial. The agent may be absent; it comes alive by itself.</summary>
    public void Start()
    {
        lock (_closingGate)
        {
            KeepAsMany();
        }
    }

    /// <summary>
    /// Other settings from now on. Connections that are one too many go when no exchange needs them, missing ones are dialled; the others stay as they are.
    /// </summary>
    /// <param name="settings">The settings.</param>
    /// <param name="policy">How connections are chosen from now on; null as before.</param>
    public void Follow(PoolSettings settings, ISelectionPolicy? policy)
    {
        lock (_closingGate)
        {
            if (_closing is not null)
            {
                return;
            }

            (_settings, _policy) = (settings, policy ?? _policy);
            Admission.Breaker.Follow(settings.Breaker);
            Sticky.Within(settings.StickyTimeout, settings.StickySessions);
            _endpoints.Follow(settings);
            Array.ForEach(_set.Live, pooled => LimitCalls(pooled.Connection));
            KeepAsMany();
        }

        // Whoever waits for a limit may find it raised, and whoever watches a connection looks as often as is asked for now.
        Array.ForEach(_keepers, static keeper => keeper.Nudge());
        Admission.ConnectionsChanged();
    }

    /// <summary>A connection for a new exchange; null with the reason when there is none.</summary>
    /// <param name="except">
    /// The connection that just failed, null for none. Its endpoint may have failed with it, so another one's is chosen if there is one.
    /// </param>
    /// <param name="reason">Why there is none.</param>
    public PooledConnection? Select(PooledConnection? except, out CallResult reason)
    {
        var live = _set.Live;
        var chosen = _draining ? null
            : except is not null && _endpoints.Count > 1 && SelectElsewhere(live, except.Endpoint) is { } elsewhere ? elsewhere
            : _policy.Select(live, except);
        reason = default;
        if (chosen is null)
        {
            reason = PoolSnapshot.ReasonOf(live, except, _draining, live.Length == 0 && _endpoints.AreAllIncompatible());
            // Rule 6: a connection whose every slot waits for an answer that is owed will not come back by itself.
            foreach (var stuck in PoolSnapshot.StuckOf(live))
            {
                Replace(stuck, $"all of its {stuck.Stats.Owed} slots are owed answers");
            }
        }

        return chosen;
    }

    public void OnHealth(IAgentConnection connection, HealthStatus health)
    {
        var pooled = _set.Of(connection);
        var why = PeerText.Clean(health.UnhealthyReason ?? health.Message ?? "no reason given");
        Log.Health(_logger, _settings.AgentId, health.State, connection.Id, why);
        pooled.Apply(health);
        _isDegraded = Array.Exists(_set.Live, static live => live.TimeoutMultiplier > 1) || pooled.TimeoutMultiplier > 1;
        UpdateState($"it reports {health.State} on connection {connection.Id}: {why}");
        if (health is { State: HealthState.Unhealthy, Recoverable: false })
        {
            // Only a new connection helps (spec §6.2).
            Replace(connection, $"unhealthy for good: {why}");
        }
    }

    public void OnFlowControl(IAgentConnection connection, FlowControlSignal signal)
    {
        var pooled = _set.Of(connection);
        pooled.Apply(signal);
        Log.FlowControl(_logger, _settings.AgentId, signal.Action, connection.Id);
        if (signal.CorrelationId.IsEmpty)
        {
            UpdateState($"it asks to {signal.Action} on connection {connection.Id}");
        }

        Admission.ConnectionsChanged();
    }

    public void OnSlotFreed(IAgentConnection connection) => Admission.SlotFreed(_set.Of(connection));

    /// <inheritdoc cref="CloseAsync"/>
    public async ValueTask DisposeAsync() => await CloseAsync(_settings.DrainTimeout, CancellationToken.None).ConfigureAwait(false);

    /// <summary>Chooses no connection any more, waits for the calls under way, cancels what is left of them, and closes (spec §9.7).</summary>
    /// <remarks>All who ask wait for the one closing; the first says how long calls may take.</remarks>
    /// <param name="drain">How long calls under way may take.</param>
    /// <param name="abort">Ends that wait.</param>
    public Task CloseAsync(TimeSpan drain, CancellationToken abort)
    {
        lock (_closingGate)
        {
            return _closing ??= CloseOnceAsync(drain, abort);
        }
    }

    internal PooledConnection Add(IAgentConnection connection, PoolEndpoint endpoint)
    {
        var pooled = _set.Of(connection);
        pooled.Endpoint = endpoint.Index;
        lock (_closingGate)
        {
            // Whatever settings come after these find it among the live ones.
            LimitCalls(connection);
            _traits = connection.Traits;
            _set.Add(pooled);
        }

        Admission.Breaker.Renew();
        UpdateState($"{endpoint.Dialer.Endpoint}; it takes {connection.Traits.Events}");
        Admission.ConnectionsChanged();
        _connected.TrySetResult();
        Observer?.OnConnected(pooled);
        return pooled;
    }

    internal void Remove(PooledConnection connection)
    {
        _set.Remove(connection);
        Sticky.Forget(connection);

        // What it owed no longer takes slots.
        Admission.ConnectionsChanged();
    }

    /// <summary>A dial failed.</summary>
    internal void ReportMissed(PoolEndpoint endpoint, DialProblem problem, string reason)
    {
        var (times, isNews) = _endpoints.Missed(endpoint, problem, reason);
        if (isNews)
        {
            Log.Incompatible(_logger, _settings.AgentId, Defaults.IncompatiblePause.TotalSeconds, reason);
            Admission.ConnectionsChanged();
        }

        if (_endpoints.Count > 1 && times == _settings.UnhealthyAfter)
        {
            Log.EndpointLost(_logger, _settings.AgentId, endpoint.Dialer.Endpoint, reason);
        }

        UpdateState(reason);
    }

    internal void Replace(IAgentConnection connection, string cause)
    {
        Log.Replaced(_logger, _settings.AgentId, cause);
        connection.Abort(cause);
    }

    /// <summary>Something has changed that may change the state. One line per change, not one per attempt.</summary>
    internal void UpdateState(string reason)
    {
        if (!_stopping.IsCancellationRequested && _health.Update(LookAtState, reason))
        {
            Admission.ConnectionsChanged();
        }
    }

    private async Task CloseOnceAsync(TimeSpan drain, CancellationToken abort)
    {
        _draining = true;
        Admission.ConnectionsChanged();
        await PoolDrain.RunAsync(_set, _settings.AgentId, drain, _time, _logger, abort).ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_running).ConfigureAwait(false);
        _endpoints.Dispose();
        _dialers.OfType<IDisposable>().ToList().ForEach(static dialer => dialer.Dispose());
        _stopping.Dispose();
    }

    private void LimitCalls(IAgentConnection connection)
    {
        if (_settings.CallsPerConnection > 0)
        {
            connection.LimitCalls(_settings.CallsPerConnection);
        }
    }

    // Under the lock. The last come are the first to go, so that every endpoint keeps its share.
    private void KeepAsMany()
    {
        var (before, many) = (_keepers, Math.Max(_settings.Connections, _dialers.Count));
        Array.ForEach(before[Math.Min(many, before.Length)..], static keeper => keeper.Spare());

        // One source of randomness each: they are not safe to share.
        ConnectionMaintainer[] added = [.. Enumerable.Range(before.Length, Math.Max(0, many - before.Length)).Select(
            number => new ConnectionMaintainer(this, _endpoints, number % _dialers.Count, new Random(_random.Next()), _time, _logger))];
        _keepers = [.. before.Take(many), .. added];
        _running.RemoveAll(static task => task.IsCompleted);
        using (ExecutionContext.SuppressFlow())
        {
            _running.AddRange(added.Select(keeper => Task.Run(() => keeper.RunAsync(_stopping.Token), CancellationToken.None)));
        }
    }

    // A method of its own: what its lambda captures would be allocated for every selection.
    private PooledConnection? SelectElsewhere(PooledConnection[] live, int endpoint) =>
        _policy.Select(Array.FindAll(live, other => other.Endpoint != endpoint), null);

    private PoolState LookAtState() => PoolSnapshot.StateOf(_set.Live, hasGivenUp: _endpoints.AllMissed(_settings.UnhealthyAfter));
}
