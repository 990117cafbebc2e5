namespace Sidecar.Daemon.Pooling;

/// <summary>Keeps calls from an agent version whose calls fail, and lets some through to find out when it is well again (spec §9.8).</summary>
/// <remarks>
/// Half-open, it lets one call through, and for each that succeeds one more at a time, until there are <see cref="BreakerSettings.TrialsToClose"/>; each
/// that fails halves them, and the last one opens it again. An agent that is well for a part of its calls gets that part.
/// Closed, it reads one field for a call and counts its end without a lock. Safe from any thread. Every call let through is reported exactly
/// once, whatever became of it; should a report be lost all the same, its place is free again once its deadline is past by the open time.
/// </remarks>
/// <param name="settings">When it opens and closes.</param>
/// <param name="time">The clock.</param>
/// <param name="changed">Told of each opening and closing, with the reason; a failed attempt to close is no news. Outside of the lock.</param>
internal sealed class CircuitBreaker(BreakerSettings settings, TimeProvider time, Action<BreakerState, string> changed)
{
    private readonly Lock _gate = new();
    private volatile BreakerSettings _settings = settings;
    private volatile FailureWindow _window = new(settings.Window, time);
    private volatile BreakerState _state;
    private int _consecutive;
    private bool _isOpenForLost;
    private volatile bool _hasSucceeded;

    // Half-open: how many trials may be under way and are, the name of this round of them, and the last of their deadlines.
    private int _allowed;
    private int _trials;
    private int _round;
    private long _trialDeadline;
    private long _openedAt;

    /// <summary>What it lets through now.</summary>
    public BreakerState State => _state == BreakerState.Open && time.GetElapsedTime(Volatile.Read(ref _openedAt)) >= _settings.OpenFor
        ? BreakerState.HalfOpen
        : _state;

    /// <summary>
    /// Opens and closes by other settings from now on. What it lets through stays as it is, unless it is turned off; a window of another length begins empty.
    /// </summary>
    public void Follow(BreakerSettings next)
    {
        bool closes;
        lock (_gate)
        {
            _window = next.Window == _settings.Window ? _window : new FailureWindow(next.Window, time);
            closes = next.IsOff && _state != BreakerState.Closed;
            _state = next.IsOff ? BreakerState.Closed : _state;
            (_consecutive, _settings) = (0, next);
        }

        if (closes)
        {
            changed(BreakerState.Closed, "it is turned off");
        }
    }

    /// <summary>Whether a call may go.</summary>
    /// <param name="deadline">The call's deadline, a timestamp of the clock.</param>
    /// <param name="trial">Names the call when it is a trial; 0 when it is not. To be given to <see cref="Report"/>.</param>
    public bool TryEnter(long deadline, out int trial)
    {
        trial = 0;
        return _state == BreakerState.Closed || TryEnterAsTrial(deadline, out trial);
    }

    /// <summary>A call that was let through has ended, or never went.</summary>
    /// <param name="trial">What <see cref="TryEnter"/> named it.</param>
    /// <param name="verdict">What its end says about the agent; neutral only gives the place of a trial back.</param>
    /// <param name="isLost">Whether its connection ended under it.</param>
    public void Report(int trial, CallVerdict verdict, bool isLost = false)
    {
        if (trial != 0)
        {
            ReportTrial(trial, verdict);
        }
        else if (verdict != CallVerdict.Neutral && !_settings.IsOff && _state == BreakerState.Closed)
        {
            Count(verdict == CallVerdict.Failure, isLost);
        }
    }

    /// <summary>
    /// A new connection is open: what ended with older ones says nothing about the process at its other end. Once for each time that a call
    /// has succeeded, so that an agent that dies under every call is kept from them all the same.
    /// </summary>
    public void Renew()
    {
        lock (_gate)
        {
            if (!_hasSucceeded)
            {
                return;
            }

            _hasSucceeded = false;
            _window.Clear(onlyLost: true);
            _consecutive = 0;
            if (_state == BreakerState.Open && _isOpenForLost)
            {
                BeginTrials();
            }
        }
    }

    private void Count(bool failed, bool isLost)
    {
        _window.Add(failed, isLost);
        if (!failed)
        {
            if (!_hasSucceeded)
            {
                _hasSucceeded = true;
            }

            if (Volatile.Read(ref _consecutive) != 0)
            {
                Volatile.Write(ref _consecutive, 0);
            }

            return;
        }

        var inRow = Interlocked.Increment(ref _consecutive);
        if (_settings.Consecutive > 0 && inRow >= _settings.Consecutive)
        {
            Open($"{inRow} calls in a row failed, the limit is {_settings.Consecutive}");
        }
        else if (_settings.FailurePercent > 0 && _window.Sum() is var (calls, failures)
            && calls >= _settings.MinCalls && failures * 100L >= calls * (long)_settings.FailurePercent)
        {
            Open($"{failures} of {calls} calls failed within {_settings.Window.TotalSeconds:0.#} s, the limit is {_settings.FailurePercent} %");
        }
    }

    private bool TryEnterAsTrial(long deadline, out int trial)
    {
        lock (_gate)
        {
            trial = 0;
            var now = time.GetTimestamp();
            if (_state == BreakerState.Open)
            {
                if (time.GetElapsedTime(_openedAt, now) < _settings.OpenFor)
                {
                    return false;
                }

                BeginTrials();
            }

            if (_state == BreakerState.HalfOpen)
            {
                if (_trials >= _allowed)
                {
                    if (time.GetElapsedTime(_trialDeadline, now) < _settings.OpenFor)
                    {
                        return false;
                    }

                    // Reports were lost: their places are free, and should they come they are of a round that is over.
                    BeginTrials();
                }

                _trials++;
                (trial, _trialDeadline) = (_round, Math.Max(_trialDeadline, deadline));
            }

            return true;
        }
    }

    private void BeginTrials()
    {
        (_state, _allowed, _trials, _trialDeadline) = (BreakerState.HalfOpen, 1, 0, 0);
        _round++;
    }

    private void ReportTrial(int trial, CallVerdict verdict)
    {
        lock (_gate)
        {
            // One whose place was given to another meanwhile no longer counts.
            if (_state != BreakerState.HalfOpen || _round != trial || _trials == 0)
            {
                return;
            }

            _trials--;
            _hasSucceeded |= verdict == CallVerdict.Success;
            _allowed = verdict switch { CallVerdict.Failure => _allowed / 2, CallVerdict.Success => _allowed + 1, _ => _allowed };
            if (_allowed == 0)
            {
                _openedAt = time.GetTimestamp();
                (_state, _isOpenForLost) = (BreakerState.Open, false);
            }

            if (_allowed <= _settings.TrialsToClose)
            {
                return;
            }

            _window.Clear();
            _consecutive = 0;
            _state = BreakerState.Closed;
        }

        changed(BreakerState.Closed, $"{_settings.TrialsToClose} more calls succeeded than failed");
    }

    private void Open(string reason)
    {
        lock (_gate)
        {
            if (_state != BreakerState.Closed)
            {
                return;
            }

            _openedAt = time.GetTimestamp();
            (_state, _isOpenForLost) = (BreakerState.Open, _window.IsMostlyLost());
        }

        changed(BreakerState.Open, reason);
    }
}

/// <summary>What a circuit breaker lets through. Numbers are values of a gauge.</summary>
internal enum BreakerState
{
    /// <summary>Every call.</summary>
    Closed = 0,

    /// <summary>A few calls at a time, to find out whether the agent is well again.</summary>
    HalfOpen = 1,

    /// <summary>None.</summary>
    Open = 2,
}
