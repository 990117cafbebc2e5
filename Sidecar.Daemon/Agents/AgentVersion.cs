using Sidecar.Daemon.Pooling;

namespace Sidecar.Daemon.Agents;

/// <summary>One version of an agent with its connections, and how many exchanges it takes part in. Safe from any thread.</summary>
internal sealed class AgentVersion(string name, ConnectionPool pool)
{
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _exchanges;
    private int _isRetiring;

    /// <summary>The version's name.</summary>
    public string Name => name;

    /// <summary>
    /// How the log names an agent with one of its versions: the first is the agent itself to whoever reads it, others are told apart.
    /// </summary>
    public static string LabelOf(string agent, string version) => version == "1" ? agent : $"{agent}/{version}";

    /// <summary>Its connections.</summary>
    public ConnectionPool Pool => pool;

    /// <summary>Lets its calls through, or not.</summary>
    public Admission Admission => pool.Admission;

    /// <summary>Exchanges that it takes part in.</summary>
    public int OpenExchanges => Volatile.Read(ref _exchanges);

    /// <summary>Whether it takes part in no new exchange.</summary>
    public bool IsRetiring => Volatile.Read(ref _isRetiring) != 0;

    /// <summary>A new exchange wants it. False when it retires; every true is paired with <see cref="Leave"/>.</summary>
    public bool TryJoin()
    {
        Interlocked.Increment(ref _exchanges);
        if (!IsRetiring)
        {
            return true;
        }

        Leave();
        return false;
    }

    /// <summary>An exchange that it took part in is over.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _exchanges) == 0 && IsRetiring)
        {
            _idle.TrySetResult();
        }
    }

    /// <summary>
    /// Takes it out of service: no new exchange gets it; those that have it may end within the pool's drain timeout; calls that are then
    /// left are cancelled, reason proxy shutdown, and the connections closed (spec §9.7). All who ask wait for the one end.
    /// </summary>
    /// <param name="time">The clock.</param>
    /// <param name="abort">Ends the wait for exchanges and calls.</param>
    public async Task RetireAsync(TimeProvider time, CancellationToken abort)
    {
        var started = time.GetTimestamp();
        Interlocked.Exchange(ref _isRetiring, 1);
        if (OpenExchanges == 0)
        {
            _idle.TrySetResult();
        }

        var drain = pool.Settings.DrainTimeout;
        await _idle.Task.WaitAsync(drain, time, abort).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var left = drain - time.GetElapsedTime(started);
        await pool.CloseAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, abort);
    }
}
