using Sidecar.Daemon.Pooling;

namespace Sidecar.Daemon.Agents;

/// <summary>One version of an agent with its connections.</summary>
internal sealed class AgentVersion(string name, ConnectionPool pool)
{
    /// <summary>The version's name.</summary>
    public string Name => name;

    /// <summary>Its connections.</summary>
    public ConnectionPool Pool => pool;

    /// <summary>Lets its calls through, or not.</summary>
    public Admission Admission => pool.Admission;
}
