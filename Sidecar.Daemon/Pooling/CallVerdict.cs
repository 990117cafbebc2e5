using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>What the end of a call says about the agent.</summary>
internal enum CallVerdict
{
    /// <summary>Nothing: it was not asked, was cancelled by us, or met a limit of ours.</summary>
    Neutral,

    /// <summary>It answered, whatever it decided.</summary>
    Success,

    /// <summary>It did not answer in time, died, answered nonsense, or said that it could not decide.</summary>
    Failure,
}

/// <summary>Judges ends of calls.</summary>
internal static class CallVerdicts
{
    /// <summary>A call counts as one that had the agent's whole time when it had this part of it: some passes before it is sent.</summary>
    public const double WholeTime = 0.95;

    /// <summary>What the end of a call that was sent says about the agent.</summary>
    /// <param name="result">How it ended.</param>
    /// <param name="kind">The event.</param>
    /// <param name="capabilities">What the agent said that it does.</param>
    /// <param name="hadItsTime">Whether the agent had all of its own time for it: that its caller was in a hurry, or our queue long, is not its fault.</param>
    public static CallVerdict Of(in CallResult result, EventKind kind, AgentCapabilities capabilities, bool hadItsTime = true) => result.Outcome switch
    {
        // Nobody's request waits for it, and agents of older dialects do not know it.
        _ when kind == EventKind.RequestComplete => CallVerdict.Neutral,
        CallOutcome.Answered => ReasonCodes.IsFailure(result.Response!) ? CallVerdict.Failure : CallVerdict.Success,

        // Agents built on the reference never answer this event unless they say so (spec §5.3).
        CallOutcome.TimedOut when kind == EventKind.GuardrailInspect && !capabilities.Features.Guardrails => CallVerdict.Neutral,
        CallOutcome.TimedOut when !hadItsTime || result.IsUnsent => CallVerdict.Neutral,
        CallOutcome.TimedOut or CallOutcome.ConnectionLost or CallOutcome.BadAnswer => CallVerdict.Failure,
        _ => CallVerdict.Neutral,
    };
}
