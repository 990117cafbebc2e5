using Sidecar.Daemon.Diagnostics;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections.Calls;

/// <summary>What came of a call. Failures are values: an agent that dies under load must not cost an exception per call.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Response">The agent's answer, if there is one.</param>
/// <param name="Detail">Why there is no answer that counts; with one that counts, what part of it has no effect. For a log.</param>
internal readonly record struct CallResult(CallOutcome Outcome, AgentResponse? Response, string? Detail)
{
    /// <summary>Whether <see cref="Response"/> is there and counts.</summary>
    public bool IsAnswered => Outcome == CallOutcome.Answered;

    /// <summary>True when the event certainly never left, though the outcome does not say so: the agent knows nothing of it.</summary>
    public bool IsUnsent { get; init; }

    /// <summary>The agent's answer.</summary>
    public static CallResult Answered(AgentResponse response) => new(CallOutcome.Answered, response, null);

    /// <summary>
    /// An answer that was understood and may not be applied, and why in words for its agent's author. <see cref="Response"/> is there, so
    /// that whoever logs can tell it from one that was not understood.
    /// </summary>
    public static CallResult Unfit(AgentResponse response, string error) => new(CallOutcome.BadAnswer, response, error);

    /// <summary>No answer, and why in words for a log.</summary>
    public static CallResult Failed(CallOutcome outcome, string detail) => new(outcome, null, detail);

    /// <summary>No answer because nothing was sent, where the outcome alone leaves that open.</summary>
    public static CallResult Unsent(CallOutcome outcome, string detail) => new(outcome, null, detail) { IsUnsent = true };
}

/// <summary>How a call ended. Every call ends in exactly one of these.</summary>
internal enum CallOutcome
{
    /// <summary>The agent answered.</summary>
    Answered = 0,

    /// <summary>The agent answered with something that is no answer.</summary>
    BadAnswer,

    /// <summary>No answer before the deadline.</summary>
    TimedOut,

    /// <summary>The connection ended before the answer came, or had ended before the event was sent.</summary>
    ConnectionLost,

    /// <summary>The asker no longer wanted the answer.</summary>
    Cancelled,

    /// <summary>Nothing was sent: an earlier call of the same exchange has not been answered yet.</summary>
    Owed,

    /// <summary>Nothing was sent: every slot, or the write buffer, is taken.</summary>
    NoRoom,

    /// <summary>Nothing was sent: there is no connection to choose.</summary>
    NoConnection,

    /// <summary>Nothing was sent: the agent speaks another dialect.</summary>
    Incompatible,

    /// <summary>Nothing was sent: the event does not fit what the agent takes.</summary>
    NotSendable,

    /// <summary>Nothing was sent: as many calls to the agent are under way as may be.</summary>
    NoSlot,

    /// <summary>Nothing was sent: as many calls wait for the agent as may.</summary>
    QueueFull,

    /// <summary>Nothing was sent: the agent asks to be sent nothing now.</summary>
    Paused,

    /// <summary>Nothing was sent: the agent's circuit breaker is open.</summary>
    BreakerOpen,

    /// <summary>Nothing was sent: the agent has more to do than it could have answered in time.</summary>
    Shed,

    /// <summary>Nothing was sent: the agent's connections are open, and its calls on all of them failed of late.</summary>
    Ejected,

    /// <summary>Nothing was sent: the agent says that it takes nothing now, for it drains or is not well.</summary>
    Unwell,

    /// <summary>We closed the connection before the answer came: the daemon stops, or the agent is taken out.</summary>
    ShutDown,
}

/// <summary>What outcomes mean to those who count.</summary>
internal static class CallOutcomes
{
    private static readonly string[] Names = Enum.GetNames<CallOutcome>();

    /// <summary>The outcome's name, as a label value.</summary>
    public static string Name(this CallOutcome outcome) => Names[(int)outcome];

    /// <summary>Its part in the families of spec §9.11.</summary>
    public static CallMetricOutcome Fate(this CallOutcome outcome) => outcome switch
    {
        CallOutcome.Answered or CallOutcome.BadAnswer => CallMetricOutcome.Answered,
        CallOutcome.TimedOut => CallMetricOutcome.TimedOut,
        CallOutcome.ConnectionLost => CallMetricOutcome.ConnectionError,
        CallOutcome.NotSendable => CallMetricOutcome.SerializationError,
        CallOutcome.Paused => CallMetricOutcome.FlowControl,
        CallOutcome.Cancelled or CallOutcome.ShutDown => CallMetricOutcome.Withdrawn,
        _ => CallMetricOutcome.Unsent,
    };
}
