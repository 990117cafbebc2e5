namespace Sidecar.Daemon.Connections;

/// <summary>Where a pool's connections come from: dialled at one endpoint of an agent, or brought by an agent that dials in.</summary>
internal interface IAgentDialer
{
    /// <summary>The endpoint as the operator wrote it.</summary>
    string Endpoint { get; }

    /// <summary>Whether it only waits for an agent to dial in. Waiting costs the agent nothing, so there is no need to pause after a failure.</summary>
    bool IsPassive => false;

    /// <summary>Tells, until it is disposed of, when there may be somebody to dial again; null where nothing tells.</summary>
    IDisposable? Watch(Action appeared) => null;

    /// <summary>
    /// Dials the same place to try another configuration on a connection that carries nothing else; null where every agent answers one, so that a refusal costs
    /// nobody anything.
    /// </summary>
    IAgentDialer? ForTrialOf(ConfigurationValue configuration) => null;

    /// <summary>Connects and shakes hands within the connect timeout. The connection returned is ready for calls.</summary>
    /// <exception cref="AgentUnreachableException">It did not work; the message says why.</exception>
    Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation);
}

/// <summary>A connection to an agent could not be opened.</summary>
internal sealed class AgentUnreachableException(string message, Exception innerException) : Exception(message, innerException)
{
    /// <summary>What kept it from being opened.</summary>
    public DialProblem Problem { get; } = DialProblemException.In(innerException);
}
