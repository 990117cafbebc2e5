using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>One socket or stream to an agent, carrying many calls. Safe from any thread.</summary>
internal interface IAgentConnection : IAsyncDisposable
{
    /// <summary>Names this connection in logs, unique in the process.</summary>
    string Id { get; }

    /// <summary>What can be done with it.</summary>
    ConnectionTraits Traits { get; }

    /// <summary>What the agent said of itself.</summary>
    AgentCapabilities Capabilities { get; }

    /// <summary>The name of the encoding agreed on.</summary>
    string Encoding { get; }

    /// <summary>The dialect of the protocol that the agent speaks, for operators.</summary>
    string Dialect { get; }

    /// <summary>False from the moment either direction has ended.</summary>
    bool IsOpen { get; }

    /// <summary>How it does, read at once: the calls that it carries and when the agent was heard.</summary>
    ConnectionStats Stats { get; }

    /// <summary>Completes with the cause, in words, when the connection has ended and all its calls have been told.</summary>
    Task<string> Ended { get; }

    /// <summary>Sends an event and waits for its answer. One call per exchange at a time.</summary>
    /// <remarks>Failures are values: the task never faults. Only a defect throws, and only before the task is returned.</remarks>
    /// <param name="message">The event.</param>
    /// <param name="deadline">A timestamp of the <see cref="TimeProvider"/>.</param>
    /// <param name="frames">Where it is found encoded, or kept for others who send it too; null for nowhere.</param>
    ValueTask<CallResult> CallAsync(AgentEvent message, long deadline, EventFrames? frames = null);

    /// <summary>Ends the outstanding call of an exchange, if there is one, and tells the agent.</summary>
    void Cancel(CorrelationId id, CancelReason reason);

    /// <summary>
    /// An exchange is over for this connection: whatever it holds for it, a stream or an id, is freed. Called once for every exchange that
    /// was put on it, after the last call of the exchange has ended, in whichever way, and on a connection that has ended too.
    /// </summary>
    /// <remarks>Must not block. Answers still owed stay owed.</remarks>
    void Release(CorrelationId exchange);

    /// <summary>
    /// Carries at most so many calls at once from now on, and never more than the agent states; those above it end as they would have.
    /// </summary>
    void LimitCalls(int most);

    /// <summary>
    /// Answers a request of the agent about its configuration; false where the transport has no way to do so (spec §6.4).
    /// </summary>
    bool TryReply(ConfigUpdateResponse response) => false;

    /// <summary>Asks for a sign of life.</summary>
    void Ping();

    /// <summary>Ends the connection at once; every call on it fails with this cause.</summary>
    void Abort(string cause);
}

/// <summary>How answers find their calls.</summary>
internal enum AnswerMatching
{
    /// <summary>Each answer names its exchange; many calls may be in flight.</summary>
    ById,

    /// <summary>Answers come in the order of the calls; one call at a time.</summary>
    InOrder,
}

/// <summary>What can be done with a connection. The rooms above know these, never a transport or a dialect.</summary>
internal sealed record ConnectionTraits
{
    /// <summary>Calls that may be outstanding, at least 1.</summary>
    public required int MaxInFlight { get; init; }

    /// <summary>
    /// True when the agent says that it handles several calls at once, so one connection may be filled before the next is used.
    /// </summary>
    public required bool IsConcurrent { get; init; }

    /// <summary>How answers find their calls.</summary>
    public AnswerMatching Matching { get; init; } = AnswerMatching.ById;

    /// <summary>The events the agent wants.</summary>
    public required EventSet Events { get; init; }

    /// <summary>Whether answers can carry body mutations.</summary>
    public bool CanMutate { get; init; } = true;

    /// <summary>Largest event body in bytes.</summary>
    public required long MaxEventBytes { get; init; }

    /// <summary>Largest whole body in bytes that the agent takes; 0 when it states none.</summary>
    public long MaxBodyBytes { get; init; }

    /// <summary>Whether a cancel message exists.</summary>
    public bool CanCancel { get; init; } = true;

    /// <summary>Whether the agent answers pings. Of one that does not, silence says nothing: it lives as long as its connection.</summary>
    public bool CanPing { get; init; } = true;
}

/// <summary>How a connection does at one moment. What it does not have is 0: one that owes no answers has none owed.</summary>
/// <param name="InFlight">Slots taken: calls that wait and calls whose answers are owed.</param>
/// <param name="Owed">Answers still owed for calls that ended without one.</param>
/// <param name="LateAnswers">Answers that came after their call had ended, since it was opened.</param>
/// <param name="LastHeard">
/// When the last bytes came from the agent, a timestamp of the clock: the age would cost every reader a look at it.
/// </param>
/// <param name="HasThread">Whether a thread of its own receives; without, it shares the runtime's asynchronous sockets.</param>
internal readonly record struct ConnectionStats(int InFlight, int Owed, long LateAnswers, long LastHeard, bool HasThread = false)
{
    /// <summary>Calls that somebody waits for. The parts are read one after the other, so it may be below 0 for a moment.</summary>
    public int Waiting => InFlight - Owed;
}
