using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>How an agent is shown bodies, as the operator wrote it.</summary>
internal sealed record BodyOptions : SettingOptions
{
    /// <summary>Request bodies: collected, streamed, or both.</summary>
    public BodyMode RequestMode => Get(AgentSettings.BodyMode).Mode;

    /// <summary>Response bodies likewise.</summary>
    public BodyMode ResponseMode => Get(AgentSettings.ResponseBodyMode).Mode;

    /// <summary>In hybrid mode: bytes of a request body collected before the first question.</summary>
    public int RequestThreshold => Get(AgentSettings.BodyMode).Threshold;

    /// <summary>Likewise for responses.</summary>
    public int ResponseThreshold => Get(AgentSettings.ResponseBodyMode).Threshold;

    /// <summary>Largest request body in bytes.</summary>
    public long MaxRequestBytes => Get(AgentSettings.MaxBody);

    /// <summary>Largest response body in bytes.</summary>
    public long MaxResponseBytes => Get(AgentSettings.MaxResponseBody);

    /// <summary>What happens beyond; null follows the failure mode: closed blocks, open skips.</summary>
    public ExcessAction? OnExcess => Values.Find(AgentSettings.OnExcess);

    /// <summary>Most bytes in one event.</summary>
    public int MaxEventBytes => (int)Math.Min(Values.Find(AgentSettings.MaxEvent) ?? int.MaxValue, int.MaxValue);

    /// <summary>Bytes held for the agent at once.</summary>
    public long Memory => Get(AgentSettings.BodyMemory);

    /// <summary>Whether the agent can do without bodies where the proxy hands none over.</summary>
    public bool IsOptional => Get(AgentSettings.BodyIsOptional);
}
