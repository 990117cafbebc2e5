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
    private int _reportedUnreachable;

    public ConnectionPool(PoolSettings settings, IAgentDialer dialer, ISelectionPolicy policy, Random random, TimeProvider time, ILogger logger)
    {
        _settings = settings;
        _dialer = dialer;
        _policy = policy;
        _time = time;
        _logger = logger;
        _keepers = new ConnectionKeeper[settings.Connections];
        for (var i = 0; i < _keepers.Length; i++)
        {
            _keepers[i] = new ConnectionKeeper(this, dialer, settings, random, time, logger);
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
        var chosen = _policy.Select(live, except);
        reason = default;
        if (chosen is null)
        {
            reason = ReasonOf(live);
            ReplaceStuck(live);
        }

        return chosen;
    }

    public void OnHealth(IAgentConnection connection, HealthStatus health)
    {
        if (_set.Find(connection) is { } pooled && pooled.Health != health.State)
        {
            pooled.Apply(health);
            Log.Health(_logger, _settings.AgentId, health.State, health.Message);
        }
    }

    public void OnFlowControl(IAgentConnection connection, FlowControlSignal signal)
    {
        if (_set.Find(connection) is { } pooled)
        {
            pooled.Apply(signal);
            Log.FlowControl(_logger, _settings.AgentId, signal.Action, connection.Id);
        }
    }

    public void OnMetrics(IAgentConnection connection, MetricsReport report)
    {
        // Collected by the metrics of the full pool; until then a report only proves that the agent lives.
    }

    public void OnConfigUpdate(IAgentConnection connection, ConfigUpdateRequest request) =>
        Log.ConfigUpdate(_logger, _settings.AgentId, request.Update.GetType().Name);

    /// <summary>Waits for calls in flight, then closes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        var started = _time.GetTimestamp();
        while (InFlight > 0 && _time.GetElapsedTime(started) < _settings.DrainTimeout)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, CancellationToken.None).ConfigureAwait(false);
        }

        if (InFlight is > 0 and var left)
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
        var pooled = new PooledConnection(connection);
        _traits = connection.Traits;
        if (_set.Add(pooled))
        {
            Interlocked.Exchange(ref _reportedUnreachable, 0);
            Log.Reachable(_logger, _settings.AgentId, endpoint);
        }

        return pooled;
    }

    internal void Remove(PooledConnection connection, string cause)
    {
        if (_set.Remove(connection) && !_stopping.IsCancellationRequested)
        {
            ReportUnreachable(cause);
        }
    }

    // One line per change, not one per attempt.
    internal void ReportUnreachable(string reason)
    {
        if (_set.Live.Length == 0 && Interlocked.Exchange(ref _reportedUnreachable, 1) == 0)
        {
            Log.Unreachable(_logger, _settings.AgentId, reason);
        }
    }

    private static CallResult ReasonOf(PooledConnection[] live)
    {
        if (live.Length == 0)
        {
            return CallResult.Failed(CallOutcome.NoConnection, "no connection to the agent is open");
        }

        return Array.Exists(live, static connection => connection.TakesNew)
            ? CallResult.Failed(CallOutcome.NoRoom, $"all {live.Length} connections carry as many calls as they may")
            : CallResult.Failed(CallOutcome.NoConnection, $"none of {live.Length} connections takes new exchanges (paused, draining or unhealthy)");
    }

    // Rule 6: a connection whose every slot waits for an answer that is owed will not come back by itself.
    private void ReplaceStuck(PooledConnection[] live)
    {
        foreach (var pooled in live)
        {
            var connection = pooled.Connection;
            if (connection.IsOpen && connection.Owed >= connection.Traits.MaxInFlight)
            {
                var cause = $"all of its {connection.Owed} slots are owed answers";
                Log.Replaced(_logger, _settings.AgentId, cause);
                connection.Abort(cause);
            }
        }
    }
}
