using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>How calls to an agent are made, as the operator wrote it: for the daemon by flags, for one agent by keys.</summary>
internal sealed record PoolOptions : SettingOptions
{
    /// <summary>Connections, over all endpoints; null where nothing was written.</summary>
    public int? Connections { get => Values.Find(CallSettings.Connections); init => Values = Values.With(CallSettings.Connections, value); }

    /// <summary>How long calls in flight may take when the connections are closed; null as the daemon's own drain.</summary>
    public TimeSpan? DrainTimeout
    {
        get => Values.Find(AgentSettings.DrainTimeout);
        init => Values = Values.With(AgentSettings.DrainTimeout, value);
    }

    /// <summary>These settings, and those of another where these say nothing.</summary>
    public PoolOptions Over(PoolOptions other) => new() { Values = Values.Over(other.Values) };

    /// <summary>These with one more.</summary>
    public PoolOptions With<T>(Setting<T> setting, T value) => new() { Values = Values.With(setting, value) };
}
