namespace Sidecar.Daemon.Connections;

/// <summary>A connection to an agent could not be opened.</summary>
internal sealed class AgentUnreachableException(string message, Exception innerException) : Exception(message, innerException);
