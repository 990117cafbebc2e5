namespace Sidecar.Daemon.Connections;

/// <summary>Opens connections to one endpoint of an agent.</summary>
internal interface IAgentDialer
{
    /// <summary>The endpoint as the operator wrote it.</summary>
    string Endpoint { get; }

    /// <summary>Connects and shakes hands within the connect timeout. The connection returned is ready for calls.</summary>
    /// <exception cref="AgentUnreachableException">It did not work; the message says why.</exception>
    Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation);
}
