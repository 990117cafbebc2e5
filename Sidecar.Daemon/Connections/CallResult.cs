using System.Runtime.InteropServices;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>What came of a call. Failures are values: an agent that dies under load must not cost an exception per call.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CallResult(CallOutcome Outcome, AgentResponse? Response, string? Detail)
{
    /// <summary>Whether <see cref="Response"/> is there.</summary>
    public bool IsAnswered => Outcome == CallOutcome.Answered;

    /// <summary>The agent's answer.</summary>
    public static CallResult Answered(AgentResponse response) => new(CallOutcome.Answered, response, null);

    /// <summary>No answer, and why in words for a log.</summary>
    public static CallResult Failed(CallOutcome outcome, string detail) => new(outcome, null, detail);
}
