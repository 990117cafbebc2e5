using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>One agent's place in a flow: sees what the stage before released, holds what the agent has not judged, releases what may go on.</summary>
/// <remarks>For one push at a time. Once the agent is passed by (a failure, an excess) it is not asked about this direction again: a hole is never resumed (rule 6).</remarks>
internal sealed class BodyStage : IBodySink, IDisposable
{
    private readonly Participant _participant;
    private readonly int _order;
    private readonly EventKind _kind;
    private readonly BodyPolicy _policy;
    private readonly StageAsker _asker;
    private readonly StageHold _hold;
    private readonly IBodySink _next;
    private long _limit = -1;
    private long _taken;
    private bool _isSubject;
    private bool _streams;

    public BodyStage(Exchange exchange, Participant participant, int order, Direction direction, ByteBudget ofAll, IBodySink next)
    {
        (_participant, _order, _next) = (participant, order, next);
        _kind = BodyFlow.KindOf(direction);
        _policy = direction == Direction.Request ? participant.Session.Policy.RequestBody : participant.Session.Policy.ResponseBody;
        _streams = _policy.Mode == BodyMode.Stream;
        _asker = new StageAsker(exchange, participant, order, direction);
        _hold = new StageHold(participant.Session.Agent.BodyMemory, ofAll, next);
    }

    /// <summary>Whether bytes pass this agent by from now on.</summary>
    public bool Passes { get; private set; }

    /// <summary>Bytes the agent was shown.</summary>
    public long Seen => _asker.Seen;

    /// <summary>Bytes that passed the agent by although it was to see them.</summary>
    public long Missed { get; private set; }

    /// <summary>Whether bytes are held back.</summary>
    public bool IsHolding => _hold.Length > 0;

    /// <summary>The agent.</summary>
    public string Agent => _participant.Agent;

    /// <inheritdoc/>
    public async ValueTask PassAsync(BodyPush push, PassedBytes bytes)
    {
        if (_limit < 0)
        {
            _isSubject = _participant.Session.Wants(_kind);
            Passes = !_isSubject;
            _limit = Math.Min(_policy.MaxBytes, _participant.Session.MaxBodyBytes);
        }

        if (bytes is { Bytes.IsEmpty: true, IsLast: false } || push.Merger.Ends)
        {
            bytes.Owner?.Dispose();
        }
        else if (Passes)
        {
            Missed += _isSubject ? bytes.Bytes.Length : 0;
            push.Merger.Remind(_participant, _order);
            await _next.PassAsync(push, bytes).ConfigureAwait(false);
        }
        else if (_policy.OnExcess != ExcessAction.Partial && (bytes.Bytes.Length > _limit - _taken || (_taken == 0 && push.Total > _limit)))
        {
            await ExceedAsync(push, bytes, Cause.TooLarge).ConfigureAwait(false);
        }
        else if (_policy.OnExcess != ExcessAction.Partial && bytes.IsLast && push.IsTruncated)
        {
            await ExceedAsync(push, bytes, Cause.Truncated).ConfigureAwait(false);
        }
        else
        {
            await TakeWhatFitsAsync(push, bytes).ConfigureAwait(false);
        }
    }

    /// <summary>Gives back what is held.</summary>
    public void Dispose() => _hold.Dispose();

    private async ValueTask TakeWhatFitsAsync(BodyPush push, PassedBytes bytes)
    {
        var room = (int)Math.Min(bytes.Bytes.Length, _limit - _taken);
        if (room == bytes.Bytes.Length)
        {
            await TakeAsync(push, bytes, closes: bytes.IsLast).ConfigureAwait(false);
            if (bytes.IsLast && push.IsTruncated && !push.Merger.Ends && !Passes)
            {
                NotePart(push, Cause.Truncated);
            }

            return;
        }

        // What fits is the last that the agent sees.
        using (bytes.Owner)
        {
            await TakeAsync(push, bytes.Slice(0, room, isLast: false), closes: true).ConfigureAwait(false);
            if (!push.Merger.Ends)
            {
                NotePart(push, Cause.TooLarge);
                Missed += bytes.Bytes.Length - room;
                await _next.PassAsync(push, bytes.Slice(room, bytes.Bytes.Length - room, bytes.IsLast)).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask TakeAsync(BodyPush push, PassedBytes bytes, bool closes)
    {
        var length = bytes.Bytes.Length;
        var collects = !_streams && !closes && (_policy.Mode == BodyMode.Buffer || _hold.Length + length < _policy.Threshold);
        if (!collects && (_streams || _hold.Length == 0))
        {
            _taken += length;
            _streams = true;
            await AskAsync(push, bytes, closes, TotalFor(push, length, closes && _taken == length)).ConfigureAwait(false);
            return;
        }

        // A body whose size is known has its memory from the start, so that exchanges do not wait for each other half-way.
        var room = _taken == 0 && push.Total is { } total && _policy.Mode == BodyMode.Buffer ? Math.Max(length, Math.Min(total, _limit)) : length;
        if (!await _hold.TryAddAsync(bytes.Bytes, room, push.Deadline).ConfigureAwait(false))
        {
            await ExceedAsync(push, bytes, Cause.BodyMemory).ConfigureAwait(false);
            return;
        }

        _taken += length;
        bytes.Owner?.Dispose();
        if (!collects)
        {
            _streams = true;
            var collected = PassedBytes.HandedOver(_hold.Detach(), bytes.IsLast);
            await AskAsync(push, collected, closes, TotalFor(push, collected.Bytes.Length, closes)).ConfigureAwait(false);
        }
    }

    // The size as it was announced; a body that the agent is shown at once and whole has a known one in any case.
    private static long? TotalFor(BodyPush push, int length, bool isAll) => push.Total ?? (isAll && !push.IsTruncated ? length : null);

    private async ValueTask AskAsync(BodyPush push, PassedBytes source, bool closes, long? total)
    {
        var most = (int)Math.Min(_participant.Session.MaxEventBytes, int.MaxValue);
        var length = source.Bytes.Length;
        var (offset, isFinal) = (0, false);
        while (!isFinal && !push.Merger.Ends)
        {
            var size = Math.Min(most, length - offset);
            isFinal = offset + size == length;
            var slice = size == length ? source : source.Slice(offset, size, isFinal && source.IsLast);
            var answer = await _asker.AskAsync(push, slice.Bytes, closes && isFinal, total).ConfigureAwait(false);
            var judged = answer.Replacement is { } replacement ? PassedBytes.OfAnswer(replacement, slice.IsLast) : slice;
            switch (answer.Kind)
            {
                case StageAnswerKind.Bypassed:
                    Passes = true;
                    Missed += length - offset;
                    await _hold.ReleaseAsync(push).ConfigureAwait(false);
                    await _next.PassAsync(push, offset == 0 ? source : source.Slice(offset, length - offset, source.IsLast)).ConfigureAwait(false);
                    source = offset == 0 ? default : source;
                    isFinal = true;
                    break;

                case StageAnswerKind.Provisional when !await _hold.TryAddAsync(judged.Bytes, judged.Bytes.Length, push.Deadline).ConfigureAwait(false):
                    await ExceedHoldingAsync(push, judged, source.Slice(offset + size, length - offset - size, source.IsLast)).ConfigureAwait(false);
                    isFinal = true;
                    break;

                case StageAnswerKind.Final:
                    if (answer.IsWhole)
                    {
                        _hold.Dispose();
                    }

                    await _hold.ReleaseAsync(push).ConfigureAwait(false);
                    await _next.PassAsync(push, judged).ConfigureAwait(false);
                    source = judged.Owner is null ? source : default;
                    break;
            }

            offset += size;
        }

        source.Owner?.Dispose();
    }

    // The bytes cannot be shown whole. Those not judged yet pass, or nothing does.
    private async ValueTask ExceedAsync(BodyPush push, PassedBytes bytes, Cause cause)
    {
        using (bytes.Owner)
        {
            if (await MayPassAsync(push, cause).ConfigureAwait(false))
            {
                Missed += bytes.Bytes.Length;
                await _hold.ReleaseAsync(push).ConfigureAwait(false);
                await _next.PassAsync(push, bytes.Slice(0, bytes.Bytes.Length, bytes.IsLast)).ConfigureAwait(false);
            }
        }
    }

    // The agent has judged a piece and wants it held, and there is no memory for it.
    private async ValueTask ExceedHoldingAsync(BodyPush push, PassedBytes judged, PassedBytes rest)
    {
        _asker.NoteReleased();
        if (await MayPassAsync(push, Cause.BodyMemory).ConfigureAwait(false))
        {
            Missed += rest.Bytes.Length;
            await _hold.ReleaseAsync(push).ConfigureAwait(false);
            await _next.PassAsync(push, judged.Slice(0, judged.Bytes.Length, rest.Bytes.IsEmpty && judged.IsLast)).ConfigureAwait(false);
            await _next.PassAsync(push, rest.Bytes.IsEmpty ? default : rest).ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> MayPassAsync(BodyPush push, Cause cause)
    {
        switch (_policy.OnExcess)
        {
            case ExcessAction.Block:
                push.Merger.Refuse(_participant, _order, cause);
                return false;

            // Judging nothing would be no inspection.
            case ExcessAction.Partial when _taken > 0:
                var last = _streams ? PassedBytes.Lent(default, isLast: false) : PassedBytes.HandedOver(_hold.Detach(), isLast: false);
                await AskAsync(push, last, closes: true, push.Total).ConfigureAwait(false);
                break;
        }

        if (!push.Merger.Ends)
        {
            NotePart(push, cause);
        }

        return !push.Merger.Ends;
    }

    private void NotePart(BodyPush push, Cause cause)
    {
        if (Passes)
        {
            return;
        }

        Passes = true;
        if (_policy.OnExcess == ExcessAction.Partial && Seen > 0)
        {
            push.Merger.Partly(_participant, _order, cause);
        }
        else
        {
            push.Merger.Bypass(_participant, _order, cause);
        }
    }
}
