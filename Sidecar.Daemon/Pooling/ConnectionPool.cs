using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>The connections of one agent version: kept open for ever, chosen for each new exchange.</summary>
/// <remarks>Selection reads one array and a few flags: no lock, no I/O, no wait.</remarks>
internal sealed class ConnectionPool : IConnectionSink, IAsyncDisposable
{
    private readonly ConnectionSet _set = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly PoolSettings _settings;
    private readonly IAgentDialer _dialer;
    private readonly ISelectionPolicy _policy;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConnectionKeeper[] _keepers;
    private Task _running = Task.CompletedTask;
    private volatile ConnectionTraits? _traits;
    private readonly Reachability _reachability;
    private volatile bool _draining;
    private int _disposed;

    public ConnectionPool(PoolSettings settings, IAgentDialer dialer, ISelectionPolicy policy, Random random, TimeProvider time, ILogger logger)
    {
        _settings = settings;
        _dialer = dialer;
        _policy = policy;
        _time = time;
        _logger = logger;
        _reachability = new Reachability(settings.AgentId, time, logger);
        _keepers = new ConnectionKeeper[settings.Connections];
        for (var i = 0; i < _keepers.Length; i++)
        {
            // One source of randomness each: they are not safe to share.
            _keepers[i] = new ConnectionKeeper(this, dialer, settings, new Random(random.Next()), time, logger);
        }
    }

    /// <summary>The connections that are live now.</summary>
    public IReadOnlyList<PooledConnection> Live => _set.Live;

    /// <summary>What the agent's connections can carry; null before the first handshake.</summary>
    public ConnectionTraits? Traits => _traits;

    /// <summary>Whether any connection takes new exchanges.</summary>
    public bool IsAvailable => Array.Exists(_set.Live, static connection => connection.TakesNew);

    /// <summary>Calls that wait and answers owed, over all connections.</summary>
    public int InFlight => _set.Live.Sum(static connection => connection.Connection.InFlight);

    /// <summary>Begins to dial. The agent may be absent; it comes alive by itself.</summary>
    public void Start()
    {
        using (ExecutionContext.SuppressFlow())
        {
            _running = Task.WhenAll(_keepers.Select(keeper => Task.Run(() => keeper.RunAsync(_stopping.Token), CancellationToken.None)));
        }
    }

    /// <summary>A connection for a new exchange; null with the reason when there is none.</summary>
    public PooledConnection? Select(PooledConnection? except, out CallResult reason)
    {
        var live = _set.Live;
        var chosen = _draining ? null : _policy.Select(live, except);
        reason = default;
        if (chosen is null)
        {
            reason = ReasonOf(live, except);
            ReplaceStuck(live);
        }

        return chosen;
    }

    public void OnHealth(IAgentConnection connection, HealthStatus health)
    {
        var pooled = _set.Of(connection);
        if (pooled.Health != health.State)
        {
            Log.Health(_logger, _settings.AgentId, health.State, health.Message);
        }

        pooled.Apply(health);
        if (health is { State: HealthState.Unhealthy, Recoverable: false })
        {
            // Only a new connection helps (spec §6.2).
            Replace(connection, $"unhealthy for good: {health.UnhealthyReason ?? health.Message ?? "no reason given"}");
        }
    }

    public void OnFlowControl(IAgentConnection connection, FlowControlSignal signal)
    {
        _set.Of(connection).Apply(signal);
        Log.FlowControl(_logger, _settings.AgentId, signal.Action, connection.Id);
    }

    public void OnMetrics(IAgentConnection connection, MetricsReport report)
    {
        // Collected by the metrics of the full pool; until then a report only proves that the agent lives.
    }

    public void OnConfigUpdate(IAgentConnection connection, ConfigUpdateRequest request) =>
        Log.ConfigUpdate(_logger, _settings.AgentId, request.Update.GetType().Name);

    /// <summary>Chooses no connection any more, waits for the calls that wait, then closes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _draining = true;
        var started = _time.GetTimestamp();
        while (Waiting > 0 && _time.GetElapsedTime(started) < _settings.DrainTimeout)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, CancellationToken.None).ConfigureAwait(false);
        }

        if (Waiting is > 0 and var left)
        {
            Log.NotDrained(_logger, _settings.AgentId, left, _settings.DrainTimeout);
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        (_dialer as IDisposable)?.Dispose();
        _stopping.Dispose();
    }

    internal PooledConnection Add(IAgentConnection connection, string endpoint)
    {
        var pooled = _set.Of(connection);
        _traits = connection.Traits;
        _set.Add(pooled);
        _reachability.Reached(endpoint, connection.Traits.Events);
        return pooled;
    }

    internal void Remove(PooledConnection connection, string cause)
    {
        _set.Remove(connection);
        ReportUnreachable(cause);
    }

    // One line per change, not one per attempt.
    internal void ReportUnreachable(string reason)
    {
        if (!_stopping.IsCancellationRequested)
        {
            _reachability.Missed(() => _set.Live.Length > 0, reason);
        }
    }

    internal void Replace(IAgentConnection connection, string cause)
    {
        Log.Replaced(_logger, _settings.AgentId, cause);
        connection.Abort(cause);
    }

    // Owed answers are nobody's any more: they must not hold up the end.
    private int Waiting => _set.Live.Sum(static connection => connection.Connection.InFlight - connection.Connection.Owed);

    private CallResult ReasonOf(PooledConnection[] live, PooledConnection? except)
    {
        if (_draining)
        {
            return CallResult.Failed(CallOutcome.NoConnection, "the connections to the agent are being closed");
        }

        var others = Array.FindAll(live, connection => connection != except);
        if (others.Length == 0)
        {
            return CallResult.Failed(CallOutcome.NoConnection, except is null ? "no connection to the agent is open" : "no other connection to the agent is open");
        }

        return Array.Exists(others, static connection => connection.TakesNew)
            ? CallResult.Failed(CallOutcome.NoRoom, $"all {others.Length} connections carry as many calls as they may")
            : CallResult.Failed(CallOutcome.NoConnection, $"none of {others.Length} connections takes new exchanges (paused, draining or unhealthy)");
    }

    // Rule 6: a connection whose every slot waits for an answer that is owed will not come back by itself.
    private void ReplaceStuck(PooledConnection[] live)
    {
        foreach (var pooled in live)
        {
            var connection = pooled.Connection;
            if (connection.IsOpen && connection.Owed >= connection.Traits.MaxInFlight)
            {
                Replace(connection, $"all of its {connection.Owed} slots are owed answers");
            }
        }
    }
}
