using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Daemon.Inspection.Records;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Asks agents where more than one call is needed: several at once, or one a second time. Safe from any thread.</summary>
internal sealed class AgentFanOut(ILogger logger)
{
    /// <summary>Asks all agents of a stage at the same time; a decision that ends the wait cancels the calls of the others.</summary>
    public async ValueTask AskTogetherAsync(
        Participant[] stage, int order, AgentEvent message, EventKind kind, long deadline, VerdictMerger merger)
    {
        var pending = new List<Task<Answer>>(stage.Length);
        for (var i = 0; i < stage.Length; i++)
        {
            if (stage[i].Session.Wants(kind))
            {
                pending.Add(AskOneAsync(stage[i], order + i, message, deadline));
            }
            else
            {
                stage[i].Skip(kind, SkipReason.NotWanted);
            }
        }

        var cancelled = false;
        while (pending.Count > 0)
        {
            var done = await Task.WhenAny(pending).ConfigureAwait(false);
            pending.Remove(done);
            var answer = await done.ConfigureAwait(false);
            merger.Add(answer.Participant, answer.Order, message, answer.Result);
            if (merger.Ends && !cancelled)
            {
                // Cancelled calls end at once, so awaiting them costs no time.
                cancelled = true;
                foreach (var participant in stage)
                {
                    participant.Session.Cancel(CancelReason.BlockedByAgent);
                }
            }
        }
    }

    private async Task<Answer> AskOneAsync(Participant participant, int order, AgentEvent message, long deadline)
    {
        var result = await participant.Session.AskAsync(message, deadline).ConfigureAwait(false);
        if (participant.Settle(message, ref result, Attempt.First))
        {
            result = await AskAgainAsync(participant, message, deadline).ConfigureAwait(false);
        }

        return new Answer(participant, order, result);
    }

    /// <summary>The one retry of rule 11: the session has found another connection.</summary>
    public async ValueTask<CallResult> AskAgainAsync(Participant participant, AgentEvent message, long deadline)
    {
        var result = await participant.Session.AskAsync(message, deadline).ConfigureAwait(false);
        participant.Settle(message, ref result, Attempt.Second);
        if (result.Outcome == CallOutcome.ConnectionLost)
        {
            Log.LostTwice(logger, participant.LogName, message.CorrelationId);
        }

        return result;
    }

    private readonly record struct Answer(Participant Participant, int Order, CallResult Result);
}
