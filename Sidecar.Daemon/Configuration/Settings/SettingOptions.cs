namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>
/// Options that an operator writes as settings. Any setting is read by <see cref="Get{T}(Setting{T})"/>; the members of the records derived
/// from this name those that many read.
/// </summary>
internal abstract record SettingOptions
{
    /// <summary>What was written.</summary>
    public SettingValues Values { get; init; } = SettingValues.Empty;

    /// <summary>What was written for a setting, or else its default.</summary>
    public T Get<T>(Setting<T> setting) => Values.Get(setting);
}
