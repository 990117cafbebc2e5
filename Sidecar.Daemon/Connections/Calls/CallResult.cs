using System.Runtime.InteropServices;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections.Calls;

/// <summary>What came of a call. Failures are values: an agent that dies under load must not cost an exception per call.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Response">The agent's answer, if there is one.</param>
/// <param name="Detail">Why there is no answer that counts; with one that counts, what part of it has no effect. For a log.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CallResult(CallOutcome Outcome, AgentResponse? Response, string? Detail)
{
    /// <summary>Whether <see cref="Response"/> is there and counts.</summary>
    public bool IsAnswered => Outcome == CallOutcome.Answered;

    /// <summary>True when the event certainly never left, though the outcome does not say so: the agent knows nothing of it.</summary>
    public bool IsUnsent { get; init; }

    /// <summary>The agent's answer.</summary>
    public static CallResult Answered(AgentResponse response) => new(CallOutcome.Answered, response, null);

    /// <summary>
    /// An answer that was understood and may not be applied, and why in words for its agent's author. <see cref="Response"/> is there, so that whoever logs can
    /// tell it from one that was not understood.
    /// </summary>
    public static CallResult Unfit(AgentResponse response, string error) => new(CallOutcome.BadAnswer, response, error);

    /// <summary>No answer, and why in words for a log.</summary>
    public static CallResult Failed(CallOutcome outcome, string detail) => new(outcome, null, detail);

    /// <summary>No answer because nothing was sent, where the outcome alone leaves that open.</summary>
    public static CallResult Unsent(CallOutcome outcome, string detail) => new(outcome, null, detail) { IsUnsent = true };
}
