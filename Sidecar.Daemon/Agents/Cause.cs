using Sidecar.Daemon.Connections.Calls;


namespace Sidecar.Daemon.Agents;

/// <summary>Why an exchange was not inspected as it should have been. Names are label values: a bounded set.</summary>
internal enum Cause : byte
{
    /// <summary>Nothing went wrong.</summary>
    None,

    /// <summary>No connection to the agent is open.</summary>
    AgentAbsent,

    /// <summary>The agent is there and speaks a dialect that is not spoken.</summary>
    AgentIncompatible,

    /// <summary>The connection died under the call, or had died since an earlier one.</summary>
    AgentCrash,

    /// <summary>No answer in time.</summary>
    Timeout,

    /// <summary>The agent had more to do than it could have answered in time, or every slot or the write buffer was taken.</summary>
    Overload,

    /// <summary>An earlier answer of the exchange is still owed.</summary>
    Owed,

    /// <summary>The agent answered with something that is no answer, or that must not be applied.</summary>
    BadAnswer,

    /// <summary>The event does not fit what the agent takes.</summary>
    TooLarge,

    /// <summary>The proxy handed over only the beginning of the body.</summary>
    Truncated,

    /// <summary>The proxy keeps the body for itself.</summary>
    NoBody,

    /// <summary>The proxy keeps the body for itself, if there is one: nothing tells.</summary>
    MaybeBody,

    /// <summary>No memory to hold the body came free in time.</summary>
    BodyMemory,

    /// <summary>The answer was no longer wanted: another agent had decided.</summary>
    Decided,

    /// <summary>The client or the proxy went away.</summary>
    ClientGone,

    /// <summary>A new request phase took the exchange's place.</summary>
    Superseded,

    /// <summary>The daemon stops.</summary>
    Shutdown,

    /// <summary>An event came for an exchange that is not known.</summary>
    ExchangeUnknown,

    /// <summary>The end was not announced in time.</summary>
    Expired,

    /// <summary>What the client sent cannot be inspected.</summary>
    Malformed,

    /// <summary>The answer asks for something that this proxy cannot do.</summary>
    Unapplied,

    /// <summary>The agent said that it could not decide.</summary>
    AgentError,

    /// <summary>Too many exchanges are open.</summary>
    TooManyExchanges,

    /// <summary>No route takes the request.</summary>
    NoRoute,

    /// <summary>Whoever asked did not know the listener's secret.</summary>
    Unauthorized,

    /// <summary>A defect of our own.</summary>
    Internal,

    /// <summary>As many calls to the agent were under way as may be.</summary>
    AgentLimit,

    /// <summary>As many calls waited for the agent as may.</summary>
    QueueFull,

    /// <summary>The agent asked to be sent nothing.</summary>
    FlowControl,

    /// <summary>The agent's circuit breaker was open.</summary>
    BreakerOpen,

    /// <summary>The upstream failed, so nobody wanted the verdict any more.</summary>
    UpstreamError,

    /// <summary>The exchange came to a daemon that stops and waits for older ones.</summary>
    ShuttingDown,

    /// <summary>An agent wanted the response, and the proxy, told so, never asked about it.</summary>
    NoResponse,

    /// <summary>The request was inspected but for its body, about which nobody was asked: the agent states request headers alone.</summary>
    BodyUnasked,

    /// <summary>The proxy's filter is configured so, or sends such things, that it cannot be served.</summary>
    BrokenFilter,

    /// <summary>The proxy was asked for a body that agents want, did not hear it, and passed the body on.</summary>
    UnheardOverride,

    /// <summary>The answer is the proxy's own, about a request that it asked nobody about.</summary>
    LocalReply,

    /// <summary>The proxy went on, or the exchange ended, before agents had seen the request's body to its end.</summary>
    BodyUnfinished,

    /// <summary>The agent's connections were open, and taken out because calls on all of them had failed.</summary>
    Ejected,

    /// <summary>The agent said that it drains or is not well, and takes nothing.</summary>
    AgentUnwell,
}

/// <summary>Names and origins of causes.</summary>
internal static class Causes
{
    private static readonly string[] Names = [.. Enum.GetNames<Cause>().Select(LabelOf)];

    /// <summary>The cause's label value, for example <c>agent-absent</c>.</summary>
    public static string Label(this Cause cause) => Names[(int)cause];

    /// <summary>What a call's outcome means for the exchange.</summary>
    public static Cause Of(CallOutcome outcome) => outcome switch
    {
        CallOutcome.Answered => Cause.None,
        CallOutcome.BadAnswer => Cause.BadAnswer,
        CallOutcome.TimedOut => Cause.Timeout,
        CallOutcome.ConnectionLost => Cause.AgentCrash,
        CallOutcome.Cancelled => Cause.Decided,
        CallOutcome.Owed => Cause.Owed,
        CallOutcome.Incompatible => Cause.AgentIncompatible,
        CallOutcome.NoRoom or CallOutcome.Shed => Cause.Overload,
        CallOutcome.Ejected => Cause.Ejected,
        CallOutcome.Unwell => Cause.AgentUnwell,
        CallOutcome.NotSendable => Cause.TooLarge,
        CallOutcome.NoSlot => Cause.AgentLimit,
        CallOutcome.QueueFull => Cause.QueueFull,
        CallOutcome.Paused => Cause.FlowControl,
        CallOutcome.BreakerOpen => Cause.BreakerOpen,
        CallOutcome.ShutDown => Cause.Shutdown,
        _ => Cause.AgentAbsent,
    };

    /// <summary>The label value of an enum's name: <c>AgentAbsent</c> gives <c>agent-absent</c>.</summary>
    public static string LabelOf(string name) =>
        string.Concat(
            name.Select((letter, i) => char.IsUpper(letter) ? (i == 0 ? "" : "-") + char.ToLowerInvariant(letter) : letter.ToString()));
}
