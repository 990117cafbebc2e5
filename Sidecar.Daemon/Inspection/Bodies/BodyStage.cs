using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>One agent's place in a flow: sees what the stage before released, holds what the agent has not judged, releases what may go on.</summary>
/// <remarks>
/// For one push at a time. Once the agent is passed by (a failure, an excess) it is not asked about this direction again: a hole is never resumed (rule 6).
/// </remarks>
internal sealed class BodyStage : IBodySink, IDisposable
{
    private readonly Participant _participant;
    private readonly int _order;
    private readonly EventKind _kind;
    private readonly BodyPolicy _policy;
    private readonly StageAsker _asker;
    private readonly StageHold _hold;
    private readonly StageReview _review;
    private readonly IBodySink _next;
    private long _limit = -1;
    private long _taken;
    private bool _isSubject;
    private bool _streams;

    /// <summary>A place in a flow.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="participant">The agent.</param>
    /// <param name="order">Its place on the route.</param>
    /// <param name="direction">Which body.</param>
    /// <param name="ofAgent">The budget of the agent; null when the bytes are not to count for it.</param>
    /// <param name="ofAll">The budget of all agents.</param>
    /// <param name="next">Where bytes go on to.</param>
    public BodyStage(Exchange exchange, Participant participant, int order, Direction direction, ByteBudget? ofAgent, ByteBudget ofAll, IBodySink next)
    {
        (_participant, _order, _next) = (participant, order, next);
        _kind = BodyFlow.KindOf(direction);
        _policy = direction == Direction.Request ? participant.Session.Policy.RequestBody : participant.Session.Policy.ResponseBody;
        _streams = _policy.Mode == BodyMode.Stream;
        _asker = new StageAsker(exchange, participant, order, direction);
        _hold = new StageHold(ofAgent, ofAll, next);
        _review = new StageReview(participant, _asker, _hold, next);
    }

    /// <summary>Whether bytes pass this agent by from now on.</summary>
    public bool Passes { get; private set; }

    /// <summary>Bytes the agent has answered about.</summary>
    public long Seen => _asker.Seen;

    /// <summary>Whether the agent has yet to judge bytes that came: it was not shown them, or wants more before it decides.</summary>
    public bool AwaitsMore => _isSubject && !Passes && (_taken > Seen || IsHolding);

    /// <summary>Bytes that passed the agent by although it was to see them.</summary>
    public long Missed { get; private set; }

    /// <summary>Whether bytes are held back.</summary>
    public bool IsHolding => _hold.Length > 0;

    /// <summary>The agent.</summary>
    public string Agent => _participant.Agent;

    /// <inheritdoc/>
    public async ValueTask PassAsync(BodyPush push, BodySegment bytes)
    {
        using (bytes)
        {
            if (_limit < 0)
            {
                _isSubject = _participant.Session.Wants(_kind);
                Passes = !_isSubject;
                _limit = Math.Min(_policy.MaxBytes, _participant.Session.MaxBodyBytes);
            }

            if (bytes is { Bytes.IsEmpty: true, IsLast: false } || push.Merger.Ends)
            {
                return;
            }

            // Its operator says that headers alone will do; they have been judged.
            Passes |= push.IsUnseen && _participant.Session.Policy.BodyIsOptional;
            if (Passes)
            {
                Missed += _isSubject ? bytes.Bytes.Length : 0;
                if (_kind == EventKind.RequestBodyChunk && !bytes.Bytes.IsEmpty)
                {
                    _participant.NoteUnasked();
                }

                _participant.Skip(_kind, _isSubject ? SkipReason.PassedBy : SkipReason.NotWanted);
                push.Merger.Remind(_participant, _order);
                await _next.PassAsync(push, bytes.Share()).ConfigureAwait(false);
                return;
            }

            await InspectAsync(push, bytes).ConfigureAwait(false);
            if (!push.Merger.Ends && !Passes && !await _hold.TryKeepAsync(MemoryDeadline(push)).ConfigureAwait(false))
            {
                await ExceedAsync(push, default, Cause.BodyMemory).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The body ends here: another's word has ended it, and if this agent has not been asked it never will be.</summary>
    public void Skip() => _participant.SkipUnlessAsked(_kind);

    /// <summary>Gives back what is held.</summary>
    public void Dispose() => _hold.Dispose();

    private ValueTask InspectAsync(BodyPush push, BodySegment bytes)
    {
        if (_policy.OnExcess == ExcessAction.Partial)
        {
            return TakeWhatFitsAsync(push, bytes);
        }

        return bytes.Bytes.Length > _limit - _taken || (_taken == 0 && push.Total > _limit) ? ExceedAsync(push, bytes, Cause.TooLarge)
            : bytes.IsLast && push.IsTruncated ? ExceedAsync(push, bytes, Cause.Truncated)
            : TakeAsync(push, bytes, closes: bytes.IsLast);
    }

    private async ValueTask TakeWhatFitsAsync(BodyPush push, BodySegment bytes)
    {
        var length = bytes.Bytes.Length;
        var room = (int)Math.Min(length, _limit - _taken);
        if (room == length)
        {
            await TakeAsync(push, bytes, closes: bytes.IsLast).ConfigureAwait(false);
            if (bytes.IsLast && push.IsTruncated && !push.Merger.Ends)
            {
                PassBy(push, Cause.Truncated);
            }

            return;
        }

        // What fits is the last that the agent sees.
        using var fitting = bytes.Slice(0, room, isLast: false);
        await TakeAsync(push, fitting, closes: true).ConfigureAwait(false);
        if (!push.Merger.Ends)
        {
            PassBy(push, Cause.TooLarge);
            Missed += length - room;
            await _next.PassAsync(push, bytes.Slice(room, length - room, bytes.IsLast)).ConfigureAwait(false);
        }
    }

    private async ValueTask TakeAsync(BodyPush push, BodySegment bytes, bool closes)
    {
        var length = bytes.Bytes.Length;
        var collects = !_streams && !closes && (_policy.Mode == BodyMode.Buffer || _hold.Length + length < _policy.Threshold);
        if (!collects && (_streams || _hold.Length == 0))
        {
            _taken += length;
            _streams = true;
            await AskAsync(push, bytes.Share(), closes, TotalFor(push, length, bytes.IsLast && _taken == length)).ConfigureAwait(false);
            return;
        }

        // A body whose size is known has its memory from the start, so that exchanges do not wait for each other half-way.
        var room = _taken == 0 && push.Total is { } total && _policy.Mode == BodyMode.Buffer ? Math.Max(length, Math.Min(total, _limit)) : length;
        if (!await _hold.TryAddAsync(bytes.Bytes, room, MemoryDeadline(push)).ConfigureAwait(false))
        {
            await ExceedAsync(push, bytes, Cause.BodyMemory).ConfigureAwait(false);
            return;
        }

        _taken += length;
        if (!collects)
        {
            _streams = true;
            var collected = BodySegment.Held(_hold.Detach(), bytes.IsLast);
            await AskAsync(push, collected, closes, TotalFor(push, collected.Bytes.Length, bytes.IsLast)).ConfigureAwait(false);
        }
    }

    // The size as it was announced; a body that the agent is shown at once and whole has a known one in any case.
    private static long? TotalFor(BodyPush push, int length, bool isAll) => push.Total ?? (isAll && !push.IsTruncated ? length : null);

    // Half of the time that is left belongs to the agents: where the excess action lets the body pass, the others must still be asked.
    private long MemoryDeadline(BodyPush push)
    {
        var now = _participant.Session.Agent.Time.GetTimestamp();
        return now + ((push.Deadline - now) / 2);
    }

    private async ValueTask AskAsync(BodyPush push, BodySegment run, bool closes, long? total)
    {
        if (!await _review.AskAsync(push, run, closes, total).ConfigureAwait(false))
        {
            PassBy();
        }
    }

    // The bytes cannot be shown, or what is held cannot be held on. What the agent has not judged passes, or nothing does.
    private async ValueTask ExceedAsync(BodyPush push, BodySegment bytes, Cause cause)
    {
        if (_policy.OnExcess == ExcessAction.Block)
        {
            _participant.Skip(_kind, SkipReason.Excess);
            push.Merger.Refuse(_participant, _order, cause);
            return;
        }

        // Judging nothing would be no inspection.
        if (_policy.OnExcess == ExcessAction.Partial && _taken > 0)
        {
            var last = _streams ? default : BodySegment.Held(_hold.Detach(), isLast: false);
            _streams = true;
            await AskAsync(push, last, closes: true, push.Total).ConfigureAwait(false);
        }

        if (!push.Merger.Ends)
        {
            PassBy(push, cause);
            Missed += bytes.Bytes.Length;
            await _hold.ReleaseAsync(push).ConfigureAwait(false);
            await _next.PassAsync(push, bytes.Share()).ConfigureAwait(false);
        }
    }

    private void PassBy(BodyPush push, Cause cause)
    {
        if (Passes)
        {
            return;
        }

        PassBy();
        _participant.Skip(_kind, SkipReason.Excess);
        if (_policy.OnExcess == ExcessAction.Partial && Seen > 0)
        {
            push.Merger.Partly(_participant, _order, cause);
        }
        else
        {
            push.Merger.Bypass(_participant, _order, cause);
        }
    }

    private void PassBy()
    {
        Passes = true;
        Missed += _taken - Seen;
    }
}
