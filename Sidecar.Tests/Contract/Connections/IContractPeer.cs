using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Contract.Connections;

/// <summary>An open connection of any kind, and the agent at its other end, which a test plays. Every wait has a limit.</summary>
internal interface IContractPeer : IAsyncDisposable
{
    /// <summary>The connection under contract.</summary>
    IAgentConnection Connection { get; }

    /// <summary>What has reached the agent and was not taken by the test.</summary>
    int Waiting { get; }

    /// <summary>Whether cancels that come before the next event are of no interest.</summary>
    bool SkipsCancels { get; set; }

    /// <summary>The next event that reaches the agent.</summary>
    Task<AgentEvent> ReceiveAsync();

    /// <summary>The agent answers; as late as it likes.</summary>
    /// <param name="message">The event, as it was received.</param>
    /// <param name="response">What it says; null allows.</param>
    Task AnswerAsync(AgentEvent message, AgentResponse? response = null);

    /// <summary>The agent learns that the answer to the event is no longer waited for, and why if it is told; where its kind has cancels.</summary>
    Task CancelledAsync(AgentEvent message, CancelReason reason);

    /// <summary>The agent has been told of the end of an exchange, where its kind has a word for it, and the connection holds nothing for it.</summary>
    Task ReleasedAsync(CorrelationId exchange);

    /// <summary>The agent is gone, as a process that was killed.</summary>
    void Die();
}
