using System.Collections;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>A part of the table: takes each setting where it is declared. Filled by one static constructor, then only read.</summary>
internal sealed class SettingList : IEnumerable<Setting>
{
    private readonly List<Setting> _settings = [];

    /// <summary>Lists a setting, and returns it.</summary>
    public Setting<T> Add<T>(Setting<T> setting)
    {
        _settings.Add(setting);
        return setting;
    }

    /// <inheritdoc/>
    public IEnumerator<Setting> GetEnumerator() => _settings.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
