using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>For connections of which nobody wants to hear what the agent says by itself.</summary>
internal sealed class NoSink : IConnectionSink
{
    /// <summary>The one there is.</summary>
    public static readonly NoSink Instance = new();

    public void OnHealth(IAgentConnection connection, HealthStatus health)
    {
    }

    public void OnFlowControl(IAgentConnection connection, FlowControlSignal signal)
    {
    }
}
