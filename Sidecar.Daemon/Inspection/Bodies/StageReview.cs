namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>
/// Shows runs of bytes to one agent, in pieces it takes, and does with them what it says: holds, drops, replaces, passes on. For one push at a time.
/// </summary>
/// <remarks>
/// Pieces in a row that pass as they are go on as one run, and pieces that the agent wants held are not copied before all of the run has been asked about.
/// </remarks>
internal sealed class StageReview(Participant participant, StageAsker asker, StageHold hold, IBodySink next)
{
    /// <summary>Asks about a run, and disposes of it.</summary>
    /// <param name="push">The push.</param>
    /// <param name="run">The bytes; none ask about an empty piece.</param>
    /// <param name="closes">Whether these are the last that the agent will be shown.</param>
    /// <param name="total">Size of the whole body, when known.</param>
    /// <returns>False when the agent could not be heard and its failure mode let the bytes pass: they have gone on, and it must see no more.</returns>
    public async ValueTask<bool> AskAsync(BodyPush push, BodySegment run, bool closes, long? total)
    {
        using (run)
        {
            var most = (int)Math.Min(participant.Session.MaxEventBytes, int.MaxValue);
            var length = run.Bytes.Length;

            // What lies before from has gone on or is held, from there to judged it may go on, and from there to asked it is to be held.
            var (from, judged, asked) = (0, 0, 0);
            var isOver = false;
            do
            {
                var (begin, size) = (asked, Math.Min(most, length - asked));
                asked += size;
                var answer = await asker.AskAsync(push, run.Bytes.Slice(begin, size), closes && asked == length, total).ConfigureAwait(false);
                if (answer.Kind == StageAnswerKind.Ends)
                {
                    return true;
                }

                if (answer.Kind == StageAnswerKind.Bypassed)
                {
                    await hold.ReleaseAsync(push).ConfigureAwait(false);
                    await next.PassAsync(push, run.Slice(from, length - from, run.IsLast)).ConfigureAwait(false);
                    return false;
                }

                if (answer.IsWhole)
                {
                    hold.Drop();
                    from = begin;
                }

                var isFinal = answer.Kind == StageAnswerKind.Final;
                if (isFinal)
                {
                    await hold.ReleaseAsync(push).ConfigureAwait(false);
                }

                if (answer.Replacement is not { } replacement)
                {
                    judged = isFinal ? asked : judged;
                    continue;
                }

                var passes = isFinal ? begin : judged;
                await next.PassAsync(push, run.Slice(from, passes - from, isLast: false)).ConfigureAwait(false);
                hold.Borrow(run.Slice(passes, begin - passes, isLast: false));
                isOver = run.IsLast && asked == length;
                if (isFinal)
                {
                    await next.PassAsync(push, BodySegment.OfAnswer(replacement, isOver)).ConfigureAwait(false);
                }
                else
                {
                    hold.Borrow(BodySegment.OfAnswer(replacement, isLast: false));
                }

                from = judged = asked;
            }
            while (asked < length && !push.Merger.Ends);
            if (!push.Merger.Ends)
            {
                await next.PassAsync(push, run.Slice(from, judged - from, run.IsLast && judged == length && !isOver)).ConfigureAwait(false);
                hold.Borrow(run.Slice(judged, length - judged, isLast: false));
            }
        }

        return true;
    }
}
