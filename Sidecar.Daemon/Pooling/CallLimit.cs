using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>How many calls an agent version is sent at once: the operator's number, or one that follows how long the agent takes.</summary>
/// <remarks>
/// <para>
/// Of an agent with two workers all calls beyond the second only wait, there instead of here, where they can still be refused in time, be
/// overtaken, or be withdrawn. By Little's law it works on the calls in flight times their unloaded time over the time that they take; the
/// limit is that and some more, so that no worker ever waits for us. Where both times are equal the limit grows.
/// </para>
/// <para>
/// Under constant load the unloaded time cannot be seen. So now and then, and only while the agent queues, the limit falls for a few calls a
/// little below what it works on, as far as is known: if calls are quicker then, less of their time was work. The constants are those that did
/// best in a simulation of agents of 1 to 8 workers with constant, exponential and two-peaked times, and of agents that only wait
/// (docs/overload.md).
/// </para>
/// Safe from any thread; each call takes a short lock once, when it has ended.
/// </remarks>
/// <param name="time">The clock.</param>
internal sealed class CallLimit(TimeProvider time)
{
    /// <summary>What an agent of which nothing is known is sent at once: worked off in time even one by one.</summary>
    public const int First = 16;

    // The mean of times that scatter like an exponential is then right to a fifth.
    private const int Samples = 24;

    /// <summary>After so long without an end of a call a limit that nothing is known for doubles.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(50);

    // A limit counts as reached when the calls in flight come this near to it.
    private const double Reached = 0.8;

    // Up to this ratio of a call's time to its unloaded time nothing queues; noise is no queue.
    private const double NoQueue = 1.15;

    private const double Growth = 1.5;
    private const double LookWeight = 0.5;
    private const double AverageWeight = 0.05;

    // Of an agent that hangs each unanswered call would make the guess for the next one longer.
    private const double MostGuessed = 2;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly ServiceTimes _times = new();
    private volatile int _current = First;
    private long _ended;
    private double _next = First;
    private int _fixed;
    private int _ceiling = int.MaxValue;

    // Of the window: calls still to be passed over, for they were sent under another limit; then what was seen.
    private int _settling;
    private int _samples;
    private double _inFlight;

    // The part of the calls that are the first of their exchange.
    private double _begins = 1;

    // Averages over calls, in seconds.
    private double _callTime;
    private double _deviation;
    private double _slotTime;
    private long _lastEnd;
    private bool _wasFull;

    // What the limit was when a look began, 0 without one; what a call took then, and what the agent worked on as of the last look.
    private int _beforeLook;
    private long? _quietSince;
    private double _tookBefore;
    private double _works;
    private long _lookBegan;
    private long _looked = time.GetTimestamp();
    private TimeSpan _lookTook;
    private bool _isKnown;

    /// <summary>Calls that may be under way now, at least 1.</summary>
    public int Current => _current;

    /// <summary>Whether <see cref="OnFull"/> may double it.</summary>
    public bool MayDouble => Reason == LimitReason.Starting;

    /// <summary>Why it is where it is.</summary>
    public LimitReason Reason { get; private set; } = LimitReason.Starting;

    /// <summary>Calls that have ended, with their answer or because their time was up.</summary>
    public long Ended => Volatile.Read(ref _ended);

    /// <summary>How long a call takes now from being sent to its answer, on the average; zero before the first.</summary>
    public TimeSpan CallTime => TimeSpan.FromSeconds(Math.Max(Volatile.Read(ref _callTime), SlotTime.TotalSeconds * _current));

    /// <summary>How many calls an exchange makes, 1 to 100: whoever lets one in lets in those that follow.</summary>
    public double CallsPerExchange => 1 / Math.Max(0.01, Volatile.Read(ref _begins));

    /// <summary>By how much calls differ from that, on the average.</summary>
    public TimeSpan Deviation => TimeSpan.FromSeconds(Volatile.Read(ref _deviation));

    /// <summary>After how long one more call can be sent while the limit is reached; zero while it never was.</summary>
    public TimeSpan SlotTime => TimeSpan.FromSeconds(Math.Min(Volatile.Read(ref _slotTime), Volatile.Read(ref _callTime)));

    /// <summary>Goes by these from now on.</summary>
    /// <param name="fixedAt">The operator's number; 0 to follow the agent.</param>
    /// <param name="ceiling">What the agent states that it takes, over all connections.</param>
    public void Within(int fixedAt, int ceiling)
    {
        lock (_gate)
        {
            if ((fixedAt, ceiling) == (_fixed, _ceiling))
            {
                return;
            }

            _beforeLook = fixedAt == _fixed ? _beforeLook : 0;
            (_fixed, _ceiling) = (fixedAt, Math.Max(1, ceiling));
            _next = fixedAt > 0 ? fixedAt : Reason == LimitReason.Fixed ? First : _next;
            Reason = fixedAt > 0 ? LimitReason.Fixed : Reason == LimitReason.Fixed ? LimitReason.Starting : Reason;
            BeginWindow();
        }
    }

    /// <summary>
    /// The limit is reached. While nothing is known of an agent whose calls last long, as those of a language model, no end of a call comes that
    /// could raise it: it doubles each <see cref="Quiet"/> without one.
    /// </summary>
    /// <param name="now">A timestamp of the clock.</param>
    public void OnFull(long now)
    {
        if (!MayDouble)
        {
            return;
        }

        lock (_gate)
        {
            if (_quietSince is not { } since)
            {
                _quietSince = now;
            }
            else if (time.GetElapsedTime(since, now) >= Quiet)
            {
                (_quietSince, _next) = (now, _current * 2.0);
                BeginWindow();
            }
        }
    }

    /// <summary>A call has ended, with its answer or because its time was up.</summary>
    /// <param name="kind">Its event.</param>
    /// <param name="took">How long it took since it was sent.</param>
    /// <param name="now">When it ended, a timestamp of the clock.</param>
    /// <param name="inFlight">The calls that the agent had until then, with this one and those that it owes answers to.</param>
    /// <param name="isAnswered">Whether it was answered.</param>
    /// <param name="beginsExchange">Whether it was the first of its exchange.</param>
    public void Add(EventKind kind, TimeSpan took, long now, int inFlight, bool isAnswered, bool beginsExchange)
    {
        lock (_gate)
        {
            _quietSince = null;
            _ended++;
            _begins += AverageWeight * ((beginsExchange ? 1 : 0) - _begins);

            // How long an unanswered one would have taken is not known; longer than most, however little time it had.
            var seconds = took.TotalSeconds;
            seconds = isAnswered ? seconds : Math.Max(seconds, Math.Min(_callTime + _deviation, MostGuessed));
            _deviation += AverageWeight * (Math.Abs(seconds - _callTime) - _deviation);
            _callTime = _callTime == 0 ? seconds : _callTime + (AverageWeight * (seconds - _callTime));
            MeasureSlots(now, seconds, isFull: isAnswered && inFlight >= _current && _beforeLook == 0);

            if (_fixed > 0 || _settling-- > 0)
            {
                return;
            }

            _times.Add(kind, seconds, isAnswered);
            _samples++;
            _inFlight += inFlight;
            if (_samples >= (_beforeLook > 0 ? Samples : Math.Max(Samples, _current / 2)))
            {
                if (_beforeLook > 0)
                {
                    EndLook(now);
                }
                else
                {
                    Decide(now);
                }

                BeginWindow();
            }
        }
    }

    // Ends follow each other as fast as the agent can only while it has all that it may have.
    private void MeasureSlots(long now, double took, bool isFull)
    {
        if (isFull && _wasFull)
        {
            // Nothing ended between the two, so it was all the time of this one at the most.
            var gap = Math.Min(took, time.GetElapsedTime(_lastEnd, now).TotalSeconds);
            _slotTime = _slotTime == 0 ? gap : _slotTime + (AverageWeight * (gap - _slotTime));
        }

        (_lastEnd, _wasFull) = (now, isFull);
    }

    private void BeginWindow()
    {
        var before = _current;
        _current = (int)Math.Round(Math.Clamp(_next, 1, _fixed > 0 ? _fixed : _ceiling));
        _times.Clear();

        // The quickest of those that were sent since come first, so all that were sent before are waited for.
        (_samples, _inFlight, _settling) = (0, 0, before == _current ? 0 : before);
    }

    private void Decide(long now)
    {
        var inFlight = _inFlight / _samples;
        _times.Learn(canRise: inFlight < 1.5, 0.25);
        var (took, unloaded) = _times.Compare();
        var works = inFlight / Math.Max(1, took / unloaded);
        if (inFlight < Reached * _current)
        {
            // Whatever comes at once after a quiet time is met by a limit of that time.
            _next = Math.Min(_current, Math.Max(First, Math.Max(_current * 0.9, 2 * inFlight)));
            Reason = LimitReason.NotReached;
        }
        else if (!_isKnown)
        {
            StartLook(now, _current / 4.0, took);
        }
        else if (took <= NoQueue * unloaded)
        {
            _next = (_current * Growth) + 1;
            Reason = _next >= _ceiling ? LimitReason.Ceiling : LimitReason.Growing;
        }
        else
        {
            _next = Math.Max(_current / 2.0, Room(works));
            Reason = LimitReason.Queueing;
            var since = time.GetElapsedTime(_looked, now);
            if (since >= LookEvery)
            {
                StartLook(now, Math.Max(works * 0.75, _current / 4.0), took);
            }
            else if ((works < 0.4 * _works || works > 2.5 * _works) && since > 8 * _lookTook)
            {
                // So much has changed that the time that was known may be wrong.
                StartLook(now, Math.Max(works / 2, _current / 4.0), took);
            }
        }
    }

    private void StartLook(long now, double limit, double took)
    {
        (_beforeLook, _tookBefore, _lookBegan) = (_current, took / _samples, now);
        _next = limit;
        Reason = LimitReason.Looking;
    }

    private void EndLook(long now)
    {
        var before = _times.Compare().Unloaded;
        _times.Learn(canRise: true, _isKnown ? LookWeight : 1);
        var after = _times.Compare().Unloaded;
        _isKnown = after > 0.75 * before || _current == 1;
        if (!_isKnown)
        {
            // It queued even so: another look, at less.
            _next = _current / 4.0;
            return;
        }

        _works = Math.Max(1, _beforeLook * Math.Min(1, after / _samples / _tookBefore));
        _next = Room(_works);
        (_beforeLook, _looked, _lookTook) = (0, now, time.GetElapsedTime(_lookBegan, now));
    }

    private static double Room(double works) => (works * 1.25) + Math.Sqrt(works);
}

/// <summary>Why the limit of calls in flight is where it is. Names are words for operators.</summary>
internal enum LimitReason
{
    /// <summary>Nothing is known of the agent yet.</summary>
    Starting,

    /// <summary>The operator set it.</summary>
    Fixed,

    /// <summary>It was not reached of late.</summary>
    NotReached,

    /// <summary>It was reached, and calls took no longer for it.</summary>
    Growing,

    /// <summary>The agent states that it takes no more.</summary>
    Ceiling,

    /// <summary>More calls would only wait in the agent.</summary>
    Queueing,

    /// <summary>It is lower for a few calls, to learn how long they take of an agent that does not queue.</summary>
    Looking,
}
