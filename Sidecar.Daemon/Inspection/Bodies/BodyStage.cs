using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// One agent's place in a pipeline: sees what the stage before released, holds what the agent has not judged, releases what may go on.
/// </summary>
/// <remarks>
/// It waits for nothing by itself: <see cref="Step"/> says what it needs. For one push at a time; not used any more once the push's verdict
/// ends the body. Once the agent is passed by (a failure, an excess) it is not asked about this direction again: a hole is never resumed
/// (rule 6).
/// </remarks>
internal sealed partial class BodyStage : IDisposable
{
    private readonly int _order;
    private readonly EventKind _kind;
    private readonly BodyPolicy _policy;
    private readonly StageHold _hold;
    private readonly StageReview _review;
    private readonly SegmentQueue _input;
    private readonly SegmentQueue _next;
    private Phase _phase;
    private long _limit = -1;
    private long _taken;
    private bool _isSubject;
    private bool _streams;

    // What waits for memory, or for the end of a review: bytes that cannot be shown, and why; what lies behind those that fit; and why none
    // follow.
    private BodySegment _bytes;
    private bool _closes;
    private Cause _excess;
    private BodySegment _rest;
    private Cause _ending;

    /// <summary>A place in a pipeline.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="participant">The agent.</param>
    /// <param name="order">Its place on the route.</param>
    /// <param name="direction">Which body.</param>
    /// <param name="memory">The budget of the agent, null when the bytes are not to count for it, and that of all agents.</param>
    /// <param name="input">Where bytes come from.</param>
    /// <param name="next">Where they go on to.</param>
    public BodyStage(
        Exchange exchange, Participant participant, int order, Direction direction, (ByteBudget? OfAgent, ByteBudget OfAll) memory,
        SegmentQueue input, SegmentQueue next)
    {
        (Participant, _order, _input, _next) = (participant, order, input, next);
        _kind = BodyPipeline.KindOf(direction);
        _policy = direction == Direction.Request ? participant.Session.Policy.RequestBody : participant.Session.Policy.ResponseBody;
        _streams = _policy.Mode == BodyMode.Stream;
        _hold = new StageHold(memory.OfAgent, memory.OfAll, next);
        _review = new StageReview(exchange, participant, order, direction, _hold, next);
    }

    private enum Phase
    {
        // Takes the next bytes.
        Idle,

        // Bytes wait for memory, to be collected.
        Collecting,

        // A run is shown.
        Reviewing,

        // All that could be shown has been; what could not goes on.
        Leaving,

        // What is held and lies in the push is to be kept.
        Keeping,
    }

    /// <summary>The agent and its session.</summary>
    public Participant Participant { get; }

    /// <summary>What it is to be asked about.</summary>
    public BodyChunkEvent Event => _review.Event;

    /// <summary>Whether there is something to do: bytes have come, or it is not done with those before.</summary>
    public bool IsBusy => _phase != Phase.Idle || !_input.IsEmpty;

    /// <summary>Whether bytes pass this agent by from now on.</summary>
    public bool Passes { get; private set; }

    /// <summary>Bytes the agent has answered about.</summary>
    public long Seen => _review.Seen;

    /// <summary>Whether the agent has yet to judge bytes that came: it was not shown them, or wants more before it decides.</summary>
    public bool AwaitsMore => _isSubject && !Passes && (_taken > Seen || IsHolding);

    /// <summary>Bytes that passed the agent by although it was to see them.</summary>
    public long Missed { get; private set; }

    /// <summary>Whether bytes are held back.</summary>
    public bool IsHolding => _hold.Length > 0;

    /// <summary>Does what can be done, up to the next bytes that go on.</summary>
    public StageNeed Step(BodyPush push)
    {
        switch (_phase)
        {
            case Phase.Idle when _input.TryTake(out var bytes):
                return Take(push, bytes);

            case Phase.Reviewing when _review.TryGoOn():
                return StageNeed.Answer;

            case Phase.Reviewing:
                _phase = Phase.Leaving;
                return StageNeed.None;

            case Phase.Leaving when _excess != Cause.None:
                PassBy(push, Taken(ref _excess), Taken(ref _bytes));
                return StageNeed.None;

            case Phase.Leaving when _ending != Cause.None:
                PassBy(push, Taken(ref _ending), Taken(ref _rest));
                return StageNeed.None;

            case Phase.Leaving:
                _phase = Phase.Keeping;
                return StageNeed.None;

            case Phase.Keeping when !Passes && !_hold.TryKeep():
                return StageNeed.Memory;

            default:
                _phase = Phase.Idle;
                return StageNeed.None;
        }
    }

    /// <summary>Takes the answer that was needed.</summary>
    public void Answer(BodyPush push, in AgentReply reply)
    {
        if (!_review.Answer(push, reply) && !push.Merger.Ends)
        {
            PassBy();
            _phase = Phase.Leaving;
        }
    }

    /// <summary>Waits for the memory that is needed; false when none came free in time.</summary>
    public ValueTask<bool> ReserveAsync(BodyPush push)
    {
        // Half of the time that is left belongs to the agents: where the excess action lets the body pass, the others must still be asked.
        var now = Participant.Session.Agent.Time.GetTimestamp();
        var room = _hold.Borrowed;
        if (_phase == Phase.Collecting)
        {
            // A body whose size is known has its memory from the start, so that exchanges do not wait for each other half-way.
            var length = _bytes.Bytes.Length;
            room = _taken == 0 && push.Total is { } total && _policy.Mode == BodyMode.Buffer
                ? Math.Max(length, Math.Min(total, _limit))
                : length;
        }

        return _hold.TryGrowAsync(room, now + ((push.Deadline - now) / 2));
    }

    /// <summary>Goes on with the memory that was needed, or without.</summary>
    public StageNeed Reserved(BodyPush push, bool isThere)
    {
        var isCollecting = _phase == Phase.Collecting;
        if (!isThere)
        {
            return Exceed(push, Taken(ref _bytes), Cause.BodyMemory);
        }

        if (!isCollecting)
        {
            _hold.Keep();
            _phase = Phase.Idle;
            return StageNeed.None;
        }

        var isLast = _bytes.IsLast;
        _taken += _bytes.Bytes.Length;
        _hold.Add(Taken(ref _bytes));
        if (Collects(0))
        {
            _phase = Phase.Leaving;
            return StageNeed.None;
        }

        _streams = true;
        var collected = BodySegment.Held(_hold.Detach(), isLast);
        return Review(collected, _closes, TotalFor(push, collected.Bytes.Length, isLast));
    }

    /// <summary>The body ends here: another's word has ended it, and if this agent has not been asked it never will be.</summary>
    public void Skip() => Participant.SkipUnlessAsked(_kind);

    /// <summary>Gives back what is held.</summary>
    public void Dispose()
    {
        _phase = Phase.Idle;
        _input.Dispose();
        _review.Dispose();
        _hold.Dispose();
        Taken(ref _bytes).Dispose();
        Taken(ref _rest).Dispose();
    }

    private static T Taken<T>(ref T field)
        where T : struct
    {
        var taken = field;
        field = default;
        return taken;
    }
}

/// <summary>What a stage needs before it can go on.</summary>
internal enum StageNeed
{
    /// <summary>Nothing; it may have passed on bytes, which the stages behind it take first.</summary>
    None,

    /// <summary>An answer to its event (<see cref="BodyStage.Answer"/>).</summary>
    Answer,

    /// <summary>Memory (<see cref="BodyStage.Reserved"/>).</summary>
    Memory,
}
