using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents;

/// <summary>What came of asking an agent: an answer that counts, or the cause why there is none.</summary>
internal readonly record struct AgentReply
{
    /// <summary>Reads how a call ended.</summary>
    /// <param name="result">How, after the answer was checked.</param>
    /// <param name="isRetry">Whether the event was asked a second time.</param>
    public AgentReply(in CallResult result, bool isRetry)
    {
        (Outcome, Detail, IsRetry) = (result.Outcome, result.Detail, isRetry);
        if (!result.IsAnswered)
        {
            Cause = Causes.Of(result.Outcome);
            IsMalformed = result.Response is not null;
        }
        else if (ReasonCodes.IsFailure(result.Response!))
        {
            Cause = Cause.AgentError;
        }
        else
        {
            Response = result.Response;
        }
    }

    /// <summary>The answer when it counts; null when the agent could not be heard.</summary>
    public AgentResponse? Response { get; }

    /// <summary>Why there is no answer that counts; none where there is one.</summary>
    public Cause Cause { get; }

    /// <summary>How the call ended.</summary>
    public CallOutcome Outcome { get; }

    /// <summary>Why there is no answer that counts; with one that counts, what part of it has no effect. For a log.</summary>
    public string? Detail { get; }

    /// <summary>Whether the event was asked a second time, because the first connection died under it.</summary>
    public bool IsRetry { get; }

    /// <summary>Whether an answer came that was understood and may not be applied.</summary>
    public bool IsMalformed { get; }

    /// <summary>Whether the agent answered, though maybe that it could not judge.</summary>
    public bool IsAnswered => Outcome == CallOutcome.Answered;

    /// <summary>Whether it is the plain allow that nothing follows from.</summary>
    public bool IsAllow => ReferenceEquals(Response, AgentResponse.Allow);

    /// <summary>What the agent's author should know of the answer; null when there is nothing, or whoever read it has said it.</summary>
    public string? Error => Response is not null || IsMalformed ? Detail : null;
}

/// <summary>What stands above a session. Called by the session's calls, one after the other; must not throw.</summary>
internal interface ICallObserver
{
    /// <summary>Reads an answer before it counts: what may not be applied becomes its agent's failure (rule 5).</summary>
    /// <param name="response">The answer; never the plain allow.</param>
    CallResult Check(AgentResponse response);

    /// <summary>A call has ended.</summary>
    /// <param name="message">Its event.</param>
    /// <param name="result">How it ended, after the check.</param>
    /// <param name="isRetry">Whether it asked the event a second time.</param>
    /// <param name="times">When it went through its stages.</param>
    void OnEnded(AgentEvent message, in CallResult result, bool isRetry, in CallTimes times);
}

/// <summary>
/// When a call went through its stages: timestamps of the clock, each not before the one above it; 0 for a stage that it did not reach.
/// </summary>
internal readonly record struct CallTimes
{
    /// <summary>When it was asked for.</summary>
    public long Asked { get; init; }

    /// <summary>When earlier events of the exchange had been answered, and its turn came.</summary>
    public long Entered { get; init; }

    /// <summary>When a slot and a connection were its own: it waits in the queue until then.</summary>
    public long Permitted { get; init; }

    /// <summary>When the event was encoded and handed to the connection.</summary>
    public long Sent { get; init; }

    /// <summary>When whoever asked had the answer, decoded, or knew that there is none.</summary>
    public long Settled { get; init; }

    /// <summary>From its turn to its end.</summary>
    public TimeSpan Took { get; init; }
}
