namespace Sidecar.Daemon.Connections;

/// <summary>Where a pool's connections come from: dialled at one endpoint of an agent, or brought by an agent that dials in.</summary>
internal interface IAgentDialer
{
    /// <summary>The endpoint as the operator wrote it.</summary>
    string Endpoint { get; }

    /// <summary>Whether it only waits for an agent to dial in. Waiting costs the agent nothing, so there is no need to pause after a failure.</summary>
    bool IsPassive => false;

    /// <summary>Connects and shakes hands within the connect timeout. The connection returned is ready for calls.</summary>
    /// <exception cref="AgentUnreachableException">It did not work; the message says why.</exception>
    Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation);
}
