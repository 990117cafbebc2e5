using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Inspection;

/// <summary>Tells the authors of agents what was wrong with their answers, at a pace that no agent can use to fill the log.</summary>
internal sealed class AnswerErrorLog(ILogger logger, TimeProvider time)
{
    private readonly LogPace _pace = new(time);

    /// <summary>Logs what a merger has noted.</summary>
    public void Write(VerdictMerger merger)
    {
        foreach (var (agent, error, isFailure) in merger.Errors)
        {
            if (!_pace.MayLog(agent, out var more))
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
