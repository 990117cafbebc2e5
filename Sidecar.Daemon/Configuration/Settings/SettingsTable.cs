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
