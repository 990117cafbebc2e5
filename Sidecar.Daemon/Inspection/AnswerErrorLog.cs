using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Inspection;

/// <summary>
/// Tells the authors of agents what was wrong with their answers, and operators which agents are passed by, at a pace that nobody can use to fill the log.
/// </summary>
internal sealed class AnswerErrorLog(ILogger logger, TimeProvider time)
{
    private readonly LogThrottle _throttle = new(time);
    private readonly LogThrottle _bodies = new(time);

    /// <summary>Logs that agents were not shown the body of a request.</summary>
    public void Write(Exchange exchange, List<Participant> bypassed)
    {
        foreach (var participant in bypassed)
        {
            if (_bodies.MayLog(participant.Agent, out var more))
            {
                Log.NoBody(logger, participant.Agent, exchange.Listener, exchange.UnseenBody.Label(), more);
            }
        }
    }

    /// <summary>Logs what a merger has noted.</summary>
    public void Write(VerdictMerger merger)
    {
        foreach (var (agent, error, isFailure) in merger.Errors)
        {
            if (!_throttle.MayLog(agent, out var more))
            {
                continue;
            }

            if (isFailure)
            {
                Log.BadAnswer(logger, agent, error, more);
            }
            else
            {
                Log.NoEffect(logger, agent, error, more);
            }
        }
    }
}
