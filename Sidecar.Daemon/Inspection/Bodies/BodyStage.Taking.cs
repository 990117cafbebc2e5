using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>What is done with bytes that come: by the agent's limits and mode they are shown, collected, or pass it by.</summary>
internal sealed partial class BodyStage
{
    // The size as it was announced; a body that the agent is shown at once and whole has a known one in any case.
    private static long? TotalFor(BodyPush push, int length, bool isAll) => push.Total ?? (isAll && !push.IsTruncated ? length : null);

    private bool Collects(int more) =>
        !_streams && !_closes && (_policy.Mode == BodyMode.Buffer || _hold.Length + more < _policy.Threshold);

    private StageNeed Take(BodyPush push, BodySegment bytes)
    {
        if (_limit < 0)
        {
            _isSubject = Participant.Session.Wants(_kind);
            Passes = !_isSubject;
            _limit = Math.Min(_policy.MaxBytes, Participant.Session.MaxBodyBytes);
        }

        var length = bytes.Bytes.Length;
        if (length == 0 && !bytes.IsLast)
        {
            return StageNeed.None;
        }

        // Its operator says that headers alone will do; they have been judged.
        Passes |= push.IsUnseen && Participant.Session.Policy.BodyIsOptional;
        if (Passes)
        {
            Missed += _isSubject ? length : 0;
            if (_kind == EventKind.RequestBodyChunk && length > 0)
            {
                Participant.NoteUnasked();
            }

            Participant.Skip(_kind, _isSubject ? SkipReason.PassedBy : SkipReason.NotWanted);
            push.Merger.Remind(Participant, _order);
            _next.Pass(bytes);
            return StageNeed.None;
        }

        var isCut = bytes.IsLast && push.IsTruncated;
        if (_policy.OnExcess != ExcessAction.Partial)
        {
            return length > _limit - _taken || (_taken == 0 && push.Total > _limit) ? Exceed(push, bytes, Cause.TooLarge)
                : isCut ? Exceed(push, bytes, Cause.Truncated)
                : Show(push, bytes, closes: bytes.IsLast);
        }

        if (length <= _limit - _taken)
        {
            _ending = isCut ? Cause.Truncated : Cause.None;
            return Show(push, bytes, closes: bytes.IsLast);
        }

        // What fits is the last that the agent sees.
        var room = (int)(_limit - _taken);
        (_ending, _rest) = (Cause.TooLarge, bytes.Slice(room, length - room, bytes.IsLast));
        var fitting = bytes.Slice(0, room, isLast: false);
        bytes.Dispose();
        return Show(push, fitting, closes: true);
    }

    private StageNeed Show(BodyPush push, BodySegment bytes, bool closes)
    {
        var length = bytes.Bytes.Length;
        _closes = closes;
        if (Collects(length) || (!_streams && _hold.Length > 0))
        {
            (_bytes, _phase) = (bytes, Phase.Collecting);
            return StageNeed.Memory;
        }

        _taken += length;
        _streams = true;
        return Review(bytes, closes, TotalFor(push, length, bytes.IsLast && _taken == length));
    }

    private StageNeed Review(BodySegment run, bool closes, long? total)
    {
        _review.Begin(run, closes, total);
        _phase = Phase.Reviewing;
        return StageNeed.Answer;
    }

    // The bytes cannot be shown, or what is held cannot be held on. What the agent has not judged passes, or nothing does.
    private StageNeed Exceed(BodyPush push, BodySegment bytes, Cause cause)
    {
        if (_policy.OnExcess == ExcessAction.Block)
        {
            bytes.Dispose();
            Participant.Skip(_kind, SkipReason.Excess);
            push.Merger.Refuse(Participant, _order, cause);
            return StageNeed.None;
        }

        (_bytes, _excess, _phase) = (bytes, cause, Phase.Leaving);
        if (_policy.OnExcess != ExcessAction.Partial || _taken == 0)
        {
            return StageNeed.None;
        }

        // Judging nothing would be no inspection, so what there is of it is shown.
        var last = _streams ? default : BodySegment.Held(_hold.Detach(), isLast: false);
        _streams = true;
        return Review(last, closes: true, push.Total);
    }

    // What is held and these bytes go on unseen.
    private void PassBy(BodyPush push, Cause cause, BodySegment bytes)
    {
        if (!Passes)
        {
            PassBy();
            Participant.Skip(_kind, SkipReason.Excess);
            if (_policy.OnExcess == ExcessAction.Partial && Seen > 0)
            {
                push.Merger.Partly(Participant, _order, cause);
            }
            else
            {
                push.Merger.Bypass(Participant, _order, cause);
            }
        }

        Missed += bytes.Bytes.Length;
        _hold.Release();
        _next.Pass(bytes);
    }

    private void PassBy()
    {
        Passes = true;
        Missed += _taken - Seen;
    }
}
