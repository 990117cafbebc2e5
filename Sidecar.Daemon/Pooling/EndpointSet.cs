using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Pooling;

/// <summary>The endpoints of an agent and who may dial which: one that failed is left alone until its own backoff is over.</summary>
/// <remarks>
/// Then a single dial finds out whether it is back, however many connections wait for it; meanwhile their places are taken by connections to
/// other endpoints. Safe from any thread.
/// </remarks>
internal sealed class EndpointSet : IDisposable
{
    // A crash or two under the handshake are none of another dialect's.
    private const int LeastSilences = 5;

    private readonly Lock _gate = new();
    private readonly PoolEndpoint[] _endpoints;
    private PoolSettings _settings;
    private readonly TimeProvider _time;
    private readonly Action _changed;
    private bool _isOver;

    /// <summary>A set in which every endpoint may be dialled.</summary>
    /// <param name="dialers">One per endpoint, at least one.</param>
    /// <param name="settings">Bounds of the backoff.</param>
    /// <param name="random">Seeds the jitter of each endpoint; not kept.</param>
    /// <param name="time">The clock.</param>
    /// <param name="changed">Told, outside of any lock, when an endpoint may be worth another look.</param>
    public EndpointSet(IReadOnlyList<IAgentDialer> dialers, PoolSettings settings, Random random, TimeProvider time, Action changed)
    {
        _settings = settings;
        _time = time;
        _changed = changed;
        // One source of randomness each: they are not safe to share.
        _endpoints = [.. dialers.Select((dialer, i) =>
            new PoolEndpoint(i, dialer, new Backoff(settings.ReconnectMin, settings.ReconnectMax, new Random(random.Next()))))];
    }

    /// <summary>How many there are.</summary>
    public int Count => _endpoints.Length;

    /// <summary>Other bounds from now on; what is left alone rests for as long as it was to.</summary>
    public void Follow(PoolSettings settings)
    {
        lock (_gate)
        {
            _settings = settings;
            Array.ForEach(_endpoints, endpoint => endpoint.Backoff.Within(settings.ReconnectMin, settings.ReconnectMax));
        }
    }

    /// <summary>The endpoint to dial now, counted as being dialled; null when all are left alone, with how long to wait.</summary>
    /// <param name="home">The endpoint that the caller's connection belongs to.</param>
    /// <param name="wait">How long no endpoint may be dialled, if nothing changes.</param>
    public PoolEndpoint? Claim(int home, out TimeSpan wait)
    {
        lock (_gate)
        {
            wait = TimeSpan.Zero;
            var chosen = TryTake(_endpoints[home])
                ?? _endpoints.Where(static endpoint => endpoint.RestsSince is null).MinBy(static endpoint => endpoint.Connections)
                ?? _endpoints.Select(TryTake).FirstOrDefault(static endpoint => endpoint is not null);
            if (chosen is not null)
            {
                chosen.Connections++;
                return chosen;
            }

            // One that is being probed tells when it is through.
            var waits = _endpoints.Where(static endpoint => !endpoint.IsProbed).Select(Rest).DefaultIfEmpty(_settings.HealthInterval);
            wait = waits.Min();
            return null;
        }
    }

    /// <summary>The home of a connection that lives elsewhere, if it may be dialled now; null otherwise.</summary>
    public PoolEndpoint? ClaimHome(int home)
    {
        lock (_gate)
        {
            var chosen = TryTake(_endpoints[home]);
            chosen?.Connections += 1;
            return chosen;
        }
    }

    /// <summary>How long until a look at an endpoint makes sense, if nothing changes.</summary>
    public TimeSpan RestOf(int endpoint)
    {
        lock (_gate)
        {
            // One that is being probed tells when it is through.
            return _endpoints[endpoint].IsProbed ? _settings.HealthInterval : Rest(_endpoints[endpoint]);
        }
    }

    /// <summary>A dial succeeded: others may follow. The backoff itself is only forgotten when the connection has lived for a while.</summary>
    public void Reached(PoolEndpoint endpoint)
    {
        IDisposable? watch;
        lock (_gate)
        {
            (watch, endpoint.Watch) = (endpoint.Watch, null);
            (endpoint.RestsSince, endpoint.IsProbed, endpoint.Missed) = (null, false, 0);
            (endpoint.Problem, endpoint.SilentSince, endpoint.Silences, endpoint.IsIncompatible) = (null, null, 0, false);
        }

        watch?.Dispose();
        _changed();
    }

    /// <summary>A dial failed.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="problem">What kept the connection from being opened.</param>
    /// <param name="reason">The same in words.</param>
    /// <returns>How many have in a row, and whether by this one the agent has turned out to be incompatible.</returns>
    public (int Times, bool IsNews) Missed(PoolEndpoint endpoint, DialProblem problem, string reason)
    {
        int missed;
        bool isNews;
        lock (_gate)
        {
            endpoint.Connections--;
            missed = ++endpoint.Missed;
            endpoint.Problem = reason;
            (endpoint.SilentSince, endpoint.Silences) = problem == DialProblem.ClosedSilently
                ? ((long?)(endpoint.SilentSince ?? _time.GetTimestamp()), endpoint.Silences + 1)
                : (null, 0);
            var was = endpoint.IsIncompatible;
            endpoint.IsIncompatible = problem == DialProblem.OtherDialect || IsSilentForLong(endpoint);
            isNews = endpoint.IsIncompatible && !was;
            RestNow(endpoint);
            endpoint.Watch ??= _isOver ? null : endpoint.Dialer.Watch(() => Appeared(endpoint));
        }

        _changed();
        return (missed, isNews);
    }

    /// <summary>Watches nothing any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            foreach (var endpoint in _endpoints)
            {
                endpoint.Watch?.Dispose();
                endpoint.Watch = null;
            }
        }
    }

    /// <summary>Whether every endpoint's agent speaks a dialect that is not spoken.</summary>
    public bool AreAllIncompatible()
    {
        lock (_gate)
        {
            return Array.TrueForAll(_endpoints, static endpoint => endpoint.IsIncompatible);
        }
    }

    /// <summary>What is wrong with endpoints now.</summary>
    public IReadOnlyList<EndpointProblem> Problems()
    {
        lock (_gate)
        {
            return [.. _endpoints.Where(static endpoint => endpoint.Problem is not null)
                .Select(static endpoint => new EndpointProblem(endpoint.Dialer.Endpoint, endpoint.Problem!, endpoint.IsIncompatible))];
        }
    }

    /// <summary>A dial was given up for reasons of our own.</summary>
    public void Withdrew(PoolEndpoint endpoint)
    {
        lock (_gate)
        {
            endpoint.Connections--;
            endpoint.IsProbed = false;
        }
    }

    /// <summary>A connection was closed by us, which says nothing about the endpoint.</summary>
    public void Left(PoolEndpoint endpoint)
    {
        lock (_gate)
        {
            endpoint.Connections--;
        }
    }

    /// <summary>A connection ended. One that died as soon as it was up is a failure like one that never came up.</summary>
    public void Ended(PoolEndpoint endpoint, TimeSpan lived)
    {
        lock (_gate)
        {
            endpoint.Connections--;
            if (lived >= _settings.ReconnectMax)
            {
                endpoint.Backoff.Reset();
            }

            RestNow(endpoint);
        }

        _changed();
    }

    /// <summary>Whether every endpoint has failed at least this often in a row.</summary>
    public bool AllMissed(int times)
    {
        lock (_gate)
        {
            return Array.TrueForAll(_endpoints, endpoint => endpoint.Missed >= times);
        }
    }

    // Several connections of one process die together: that is one failure, not one for each. Who only waits for an agent need not pause.
    private void RestNow(PoolEndpoint endpoint)
    {
        if (endpoint.Dialer.IsPassive)
        {
            return;
        }

        if (endpoint.RestsSince is null || endpoint.IsProbed)
        {
            (endpoint.RestsSince, endpoint.IsProbed) = (_time.GetTimestamp(), false);
            endpoint.RestsFor = endpoint.IsIncompatible ? Defaults.IncompatiblePause : endpoint.Backoff.Next();
        }
    }

    // It may be another build than the one that was missed. A socket has its file a moment before somebody listens, so the next pauses are short ones.
    private void Appeared(PoolEndpoint endpoint)
    {
        lock (_gate)
        {
            endpoint.Backoff.Reset();
            (endpoint.SilentSince, endpoint.RestsFor) = (null, TimeSpan.Zero);
        }

        _changed();
    }

    // One that crashes does so too, for a while: so silence has to outlast the longest wait of the backoff.
    // On a machine that stands still for seconds few dials last as long as many.
    private bool IsSilentForLong(PoolEndpoint endpoint) =>
        endpoint is { SilentSince: { } since, Silences: >= LeastSilences } && _time.GetElapsedTime(since) >= _settings.ReconnectMax;

    private PoolEndpoint? TryTake(PoolEndpoint endpoint)
    {
        if (endpoint.RestsSince is not null)
        {
            if (endpoint.IsProbed || Rest(endpoint) > TimeSpan.Zero)
            {
                return null;
            }

            endpoint.IsProbed = true;
        }

        return endpoint;
    }

    private TimeSpan Rest(PoolEndpoint endpoint) => endpoint.RestsSince is { } since ? endpoint.RestsFor - _time.GetElapsedTime(since) : TimeSpan.Zero;
}

/// <summary>Why an endpoint of an agent has no new connection.</summary>
/// <param name="Endpoint">The endpoint as the operator wrote it.</param>
/// <param name="Reason">Why the last dial failed.</param>
/// <param name="IsIncompatible">Whether the agent there speaks a dialect that is not spoken.</param>
internal sealed record EndpointProblem(string Endpoint, string Reason, bool IsIncompatible);
