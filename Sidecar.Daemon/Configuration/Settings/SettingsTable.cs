using System.Collections;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>
/// Every setting there is. A new one is written in one of the lists named here, and read where it is needed; nothing else.
/// </summary>
internal static class SettingsTable
{
    /// <summary>All of them, group by group as they are shown.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        .. SettingGroup.All.SelectMany(static group => Listed().Where(setting => setting.Group == group)),
    ];

    /// <summary>Those that may be written in some place.</summary>
    public static IEnumerable<Setting> Of(SettingScopes scope) => All.Where(setting => (setting.Scopes & scope) != 0);

    /// <summary>The setting that a key means in some place; null when there is none.</summary>
    public static Setting? Find(string key, SettingScopes scope) => Of(scope).FirstOrDefault(setting => setting.Key == key);

    private static IEnumerable<Setting> Listed() =>
        [
            .. DaemonSettings.List, .. CallSettings.List, .. AgentSettings.List, .. ListenerSettings.List, .. EnvoySettings.List,
            .. RouteSettings.List,
        ];
}

/// <summary>A part of the table, a row for each setting where it is declared. Filled by one static constructor, then only read.</summary>
internal sealed class SettingList : IEnumerable<Setting>
{
    private readonly List<Setting> _settings = [];

    /// <summary>A row for a setting with a default.</summary>
    /// <param name="group">The heading under which it is shown.</param>
    /// <param name="key">Its name as a key.</param>
    /// <param name="format">How its values are written.</param>
    /// <param name="usual">The default.</param>
    /// <param name="help">What it does, one line.</param>
    /// <param name="why">The reason of the default.</param>
    /// <param name="words">The default in words, where its value says little.</param>
    /// <param name="follows">The setting whose value counts where this is not written.</param>
    /// <param name="variants">Defaults for some of those who may have it, by the word for them.</param>
    /// <param name="scopes">Where it may be written; as its group where that is not said.</param>
    /// <param name="flag">Its name as a flag; the key with two dashes where that is not said.</param>
    /// <param name="file">Where it stands in the configuration file; its key where that is not said.</param>
    public Setting<T> Add<T>(
        SettingGroup group, string key, ValueFormat<T> format, T usual, string help, string why = "", string? words = null,
        Setting<T>? follows = null, IReadOnlyList<(string Whose, T Value)>? variants = null, SettingScopes? scopes = null,
        string? flag = null, string? file = null) =>
        Add(new Setting<T>(key, format)
        {
            Group = group,
            Default = usual,
            Help = help,
            Why = why,
            DefaultWords = words,
            FollowsSetting = follows,
            Variants = variants ?? [],
            Scopes = scopes ?? group.Scopes,
            Flag = flag ?? "--" + key,
            FilePath = file ?? key.Replace('-', '_'),
        });

    /// <summary>A row for a setting whose default is no value, only words for what then counts.</summary>
    public Setting<T> AddUnset<T>(
        SettingGroup group, string key, ValueFormat<T> format, string words, string help, string why = "", SettingScopes? scopes = null,
        string? file = null) =>
        Add(new Setting<T>(key, format)
        {
            Group = group,
            DefaultWords = words,
            Help = help,
            Why = why,
            Scopes = scopes ?? group.Scopes,
            FilePath = file ?? key.Replace('-', '_'),
        });

    /// <summary>A row for a flag without value, which is <c>yes</c> where it is given.</summary>
    public Setting<bool> AddSwitch(SettingGroup group, string key, string help, string why = "", string? file = null) =>
        Add(new Setting<bool>(key, Formats.YesNo)
        {
            Group = group,
            Default = false,
            IsSwitch = true,
            Help = help,
            Why = why,
            FilePath = file ?? key.Replace('-', '_'),
        });

    /// <summary>Lists a setting, and returns it.</summary>
    public Setting<T> Add<T>(Setting<T> setting)
    {
        _settings.Add(setting);
        return setting;
    }

    public IEnumerator<Setting> GetEnumerator() => _settings.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
