using Sidecar.Daemon.Agents;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>How an attempt to register ended; a label of metrics.</summary>
internal enum RegistrationOutcome
{
    /// <summary>The agent was let in.</summary>
    Accepted,

    /// <summary>The peer's user or group is not one of those allowed.</summary>
    Peer,

    /// <summary>Too many attempts within a second.</summary>
    TooManyAttempts,

    /// <summary>Too many connections that have not registered yet.</summary>
    TooManyUnregistered,

    /// <summary>The deadline passed first: silence, or a part of a frame.</summary>
    TimedOut,

    /// <summary>The peer closed before its registration was whole, or before it was answered.</summary>
    Gone,

    /// <summary>The frame announced more than a registration may have, or nothing.</summary>
    BadLength,

    /// <summary>The first frame was of another type.</summary>
    BadType,

    /// <summary>The agent speaks a dialect that is not spoken on reverse connections.</summary>
    BadDialect,

    /// <summary>The payload is no registration.</summary>
    Undecodable,

    /// <summary>Another protocol version.</summary>
    BadVersion,

    /// <summary>The agent id is empty.</summary>
    NoAgentId,

    /// <summary>The agent is not one of those allowed here.</summary>
    NotAllowed,

    /// <summary>A token is needed and none came.</summary>
    NoToken,

    /// <summary>The token is not one of this agent's.</summary>
    WrongToken,

    /// <summary>The agent has as many connections as it may have.</summary>
    TooManyConnections,

    /// <summary>The daemon is being stopped.</summary>
    Stopping,

    /// <summary>A defect of ours.</summary>
    Failed,
}

/// <summary>Names of outcomes.</summary>
internal static class RegistrationOutcomes
{
    private static readonly string[] Names = [.. Enum.GetNames<RegistrationOutcome>().Select(Causes.LabelOf)];

    /// <summary>The outcome's label value, for example <c>wrong-token</c>.</summary>
    public static string Label(this RegistrationOutcome outcome) => Names[(int)outcome];
}
